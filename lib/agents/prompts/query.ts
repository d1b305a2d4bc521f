/** The query decision: an instruction in, one line of search words out (the thesis's first decision). */
import type { Message } from "./message.js";

/** The prompt of the query decision. */
export function queryPrompt(instruction: string): readonly Message[] {
  return [
    { role: "system", content: "You write short search queries for an online shop." },
    { role: "user", content: `Instruction: ${instruction}\nReply with the search query only, on one line.` },
  ];
}

/**
 * The query in a model's answer: its first line that is not blank, without vertical bars and one pair of
 * surrounding double quotes (docs/webshop.md, the thesis's protocol). "" when nothing is left.
 */
export function parseQuery(answer: string): string {
  const line = answer.split(/\r?\n/).find((text) => text.trim() !== "") ?? "";
  const bare = line.replaceAll("|", "").trim();
  return (/^"(.*)"$/.exec(bare)?.[1] ?? bare).trim();
}
