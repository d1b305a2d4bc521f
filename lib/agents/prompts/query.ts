/** The query decision: an instruction in, one line of search words out (the thesis's first decision). */
import type { Message } from "./message.js";
import { plainAnswer } from "./thinking.js";

/** The prompt of the query decision. */
export function queryPrompt(instruction: string): readonly Message[] {
  return [
    { role: "system", content: "You write short search queries for an online shop." },
    { role: "user", content: `Instruction: ${instruction}\nReply with the search query only, on one line.` },
  ];
}

/**
 * The query in a model's answer, after its thinking and without a code fence: its first line that is not blank, without
 * vertical bars and one pair of surrounding quotes or backticks (docs/webshop.md, the thesis's protocol). "" when nothing is left.
 */
export function parseQuery(answer: string): string {
  const { text } = plainAnswer(answer);
  const said = FENCE_WITHIN.exec(text)?.[1] ?? text;
  const line = said.split(/\r?\n/).find((one) => one.trim() !== "") ?? "";
  const bare = line.replaceAll("|", "").trim();
  return (/^"(.*)"$/.exec(bare)?.[1] ?? /^`+([^`]+)`+$/.exec(bare)?.[1] ?? bare).trim();
}

/** After a word of introduction, the fence holds the query. */
const FENCE_WITHIN = /\n[ \t]*```[^\n`]*\n([^]*?)(?:\n[ \t]*```|$)/;
