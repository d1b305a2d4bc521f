/**
 * Rating every listing: the selection prompt with a word of verdict behind each line. Where selection gives one answer
 * to three hundred tokens, rating gives one for each listing, and what a line's last token has to know for its verdict is
 * what selection has to compare.
 */
import { VERDICTS, verdictOf } from "../agents/index.js";
import type { TaughtRow } from "./supervised.js";
import type { Tokenizer } from "../model/index.js";

/** The text before the first listing. */
export function verdictHead(instruction: string, query: string | null): string {
  const system =
    query === null ? "" : "<|im_start|>system\nYou judge how well each product fits a request.<|im_end|>\n";
  const search = query === null ? "" : `\nSearch query: ${query}`;
  return `${system}<|im_start|>user\nInstruction: ${instruction}${search}\n`;
}

/**
 * A row that rates listings.
 * @param lines as `listingLine` writes them, without their number
 * @param values from 0 to 1, one for each line
 * @param textWeight fraction of the loss that goes to the listings' own tokens; 0 leaves them unscored
 */
export function verdictRow(
  tokenizer: Tokenizer,
  head: string,
  lines: readonly string[],
  values: readonly number[],
  textWeight = 0,
): TaughtRow {
  const ids: number[] = [];
  const verdict: boolean[] = [];
  const end = tokenizer.encode("\n");
  lines.forEach((line, i) => {
    const text = tokenizer.encode(`${i + 1}. ${line}`);
    const word = tokenizer.encode(VERDICTS[verdictOf(values[i]!)]!);
    ids.push(...text, word[0]!, ...end);
    verdict.push(...text.map(() => false), true, ...end.map(() => false));
  });
  // What follows the last verdict teaches nothing.
  ids.length = verdict.length = verdict.lastIndexOf(true) + 1;
  const each = 1 / lines.length;
  const prompt = tokenizer.encode(head);
  if (textWeight === 0) {
    return {
      task: "judge",
      weight: 1,
      prompt,
      completions: [{ ids, scored: verdict, weights: lines.map(() => each) }],
    };
  }
  const text = textWeight / (ids.length - lines.length);
  return {
    task: "judge",
    weight: 1,
    prompt,
    completions: [{ ids, weights: verdict.map((is) => (is ? each : text)) }],
  };
}
