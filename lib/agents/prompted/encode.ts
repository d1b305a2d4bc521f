/** A question as tokens: the chat's prompt, and the places of the answer that are given. */
import type { Tokenizer } from "../../model/index.js";
import type { SampleRequest } from "../../policy/index.js";
import type { Question } from "../protocols/play.js";

/**
 * The tokens of a question. The first given text goes into the prompt, where samples share it; behind each other one a single token is
 * drawn before the next, and behind the last an answer.
 */
export function encodeQuestion(
  tokenizer: Tokenizer,
  { prompt, given: texts }: Pick<Question, "prompt" | "given">,
): Pick<SampleRequest, "prompt" | "given"> {
  const chat = tokenizer.chat(prompt);
  if (!texts) return { prompt: chat };
  const [first = [], ...others] = texts.map((text) => tokenizer.encode(text));
  const given = others.flatMap((ids) => [null, ...ids]);
  return { prompt: [...chat, ...first], given };
}
