/** Words of a request that say what is wanted, as they stand in it. */
import { contentWords, withoutPrice } from "../agents/index.js";

/** The words of an instruction that a search engine has use for, in order, each once. */
export function keywords(instruction: string): string[] {
  const words = withoutPrice(instruction)
    .toLowerCase()
    .replaceAll("'", "")
    .match(/\d+(?:\.\d+)?|\p{L}[\p{L}\d]*/gu);
  return [...new Set(words ?? [])].filter((word) => contentWords(word).length > 0);
}
