/**
 * The selection decision read aloud: the model judges each result where it stands in the list, with one word, and then names one. What a
 * small model has to know for a verdict stands beside the verdict, where it can learn it; what selection compares is then words of its
 * own, a line apart each.
 */
import type { Message } from "./message.js";
import { parseSelection, type Selection } from "./select.js";

/** Verdicts from worst to best: each one token of every tokenizer that we know. */
export const VERDICTS = [" no", " poor", " fair", " good", " yes"] as const;

/** The verdict of a value from 0 to 1, as an index of {@link VERDICTS}. */
export function verdictOf(value: number): number {
  return Math.min(VERDICTS.length - 1, Math.floor(value * (VERDICTS.length - 1) + 0.5 + 1e-9));
}

/** The prompt before the first result is read. */
export function aloudPrompt(instruction: string, query: string): readonly Message[] {
  return [
    { role: "system", content: "You judge each product, then pick the one that fits a request best." },
    { role: "user", content: `Instruction: ${instruction}\nSearch query: ${query}` },
  ];
}

/**
 * What stands in the answer before each word of the model's own: every result's line before its verdict, and the question for the number.
 * @param lines the results as the list writes them, without their numbers
 * @returns one text more than there are lines
 */
export function aloudTexts(lines: readonly string[]): readonly string[] {
  return [...lines.map((line, i) => `${i === 0 ? "" : "\n"}${i + 1}. ${line}`), "\nBest: "];
}

/** An answer as it is kept: the words of the model's own, without the lines that they stand behind. */
export function aloudAnswer(words: readonly string[]): string {
  return words.map((word) => word.trim()).join(" ");
}

/** Reads {@link aloudAnswer}: the number at its end; valid when each result was judged by a verdict and the number is on the list. */
export function parseAloud(answer: string, count: number): Selection {
  const words = answer.trim().split(/\s+/);
  const { index, valid } = parseSelection(words.at(-1)!, count);
  const judged = words.slice(0, -1).map((word) => VERDICTS.findIndex((verdict) => verdict.trim() === word));
  return { index, valid: valid && judged.length === count && !judged.includes(-1) };
}
