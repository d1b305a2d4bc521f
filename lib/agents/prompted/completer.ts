import type { Random } from "../../base/index.js";
import type { Message } from "../prompts/index.js";
import type { AnswerToken } from "../types.js";

/** How an answer is sampled. */
export interface CompletionOptions {
  readonly maxTokens: number;
  /** 0 takes the most likely token each time. */
  readonly temperature: number;
  /** Given texts of the answer (see `Question`); only for a completer that {@link Completer.readsAloud}. */
  readonly given?: readonly string[];
  /** The random stream, if the model is ours; a remote one gets a seed drawn from it. */
  readonly random: Random;
}

/** One answer and what it took. */
export interface Answer {
  readonly text: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** It was cut off at the limit of its length. */
  readonly truncated?: boolean;
  /** Why there is none, in a few words: the model refused, or called a tool. The text is then "". */
  readonly failed?: string;
  /** Of our own models: its tokens and how likely they were. */
  readonly tokens?: readonly AnswerToken[];
}

/** Anything that answers a chat: our own policy, an ONNX model, an endpoint on the network. */
export interface Completer {
  /** Everything that a run record must hold to repeat it; never a key. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Run records say what its answers took. Our own policy's do not: they cost nothing but the time that provenance has. */
  readonly counted?: boolean;
  /** It runs elsewhere and is asked so many questions concurrently. */
  readonly remote?: { readonly concurrency: number };
  /** It is here and is asked so many questions concurrently: they are answered in one pass. */
  readonly together?: number;
  /** It can be given parts of its answers. */
  readonly readsAloud?: true;
  /** Whether a prompt leaves room for so many tokens; absent where that is unknown. */
  fits?(messages: readonly Message[], maxTokens: number): boolean;
  complete(messages: readonly Message[], options: CompletionOptions): Promise<Answer>;
}
