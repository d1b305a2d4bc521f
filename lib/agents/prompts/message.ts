/** One message of a chat, as every chat template and every endpoint takes it. */
export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** Changes whenever any template changes by a byte: it stands in every run record. */
export const PROMPT_VERSION = "1";
