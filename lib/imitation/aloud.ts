/** A choice read aloud as a row to learn: the list's lines are given, the verdicts and the number are scored. */
import { encodeQuestion, type Message } from "../agents/index.js";
import type { Tokenizer } from "../model/index.js";
import type { TaughtRow } from "./supervised.js";

/** The number counts as much as all verdicts together. */
const NUMBER = 0.5;

/**
 * The row of an answer read aloud.
 * @param given texts of the answer, as `aloudTexts` writes them
 * @param words the word behind each: verdicts without their space, then the number
 * @throws RangeError when a verdict is not one token
 */
export function aloudRow(
  tokenizer: Tokenizer,
  messages: readonly Message[],
  given: readonly string[],
  words: readonly string[],
): TaughtRow {
  const question = encodeQuestion(tokenizer, { prompt: messages, given });
  const verdicts = words.slice(0, -1).map((word) => tokenizer.encode(` ${word}`));
  const places = question.given!.filter((id) => id === null).length;
  if (verdicts.length !== places || verdicts.some((ids) => ids.length !== 1)) {
    throw new RangeError(`"${words.join(" ")}" is not a token for each of ${places} results and a number.`);
  }
  let next = 0;
  const listed = question.given!.map((id) => ({ id: id ?? verdicts[next++]![0]!, own: id === null }));
  const number = [...tokenizer.encode(words.at(-1)!), tokenizer.eosIds[0]!];
  return {
    task: "aloud",
    weight: 1,
    prompt: question.prompt,
    completions: [
      {
        ids: [...listed.map(({ id }) => id), ...number],
        scored: [...listed.map(({ own }) => own), ...number.map(() => true)],
        weights: [
          ...verdicts.map(() => (1 - NUMBER) / verdicts.length),
          ...number.map(() => NUMBER / number.length),
        ],
      },
    ],
  };
}
