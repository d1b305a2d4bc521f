import { stemmer } from "stemmer";
import { eachWord } from "./tokenizer.js";

/** Lucene's English stop words. */
export const STOP_WORDS: ReadonlySet<string> = new Set(
  (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they " +
    "this to was will with"
  ).split(" "),
);

/** Where the `stemmer` package and Lucene's PorterStemmer part ways (9 of 380,903 words tried, the rest not words). */
const STEMS = new Map([
  ["eed", "eed"],
  ["eeds", "eed"],
  ["ies", "i"],
  ["sses", "ss"],
]);

/** As Java's Character.toLowerCase, one code point at a time: no final sigma, no second character for İ. */
function lowerCase(word: string): string {
  const lower = word.toLowerCase();
  if (/^[\x00-\x7f]*$/.test(word)) return lower;
  let result = "";
  for (const c of word) {
    const small = c.toLowerCase();
    result += small.length > c.length ? small.slice(0, c.length) : small;
  }
  return result;
}

/**
 * One word as it stands in the index: without a possessive 's, in lower case, stemmed. Empty for a stop word.
 * The order is that of Anserini's English analyzer: possessive, lower case, stop words, Porter.
 */
export function normalise(word: string): string {
  const n = word.length;
  if (n >= 2) {
    const s = word.charCodeAt(n - 1);
    const quote = word.charCodeAt(n - 2);
    if ((s === 0x73 || s === 0x53) && (quote === 0x27 || quote === 0x2019 || quote === 0xff07)) {
      word = word.slice(0, n - 2);
    }
  }
  word = lowerCase(word);
  if (STOP_WORDS.has(word)) return "";
  return STEMS.get(word) ?? stemmer(word);
}

/** The terms of a text, in order, repeats kept: Lucene's English chain as WebShop's index uses it (§3). */
export function analyze(text: string): string[] {
  const terms: string[] = [];
  eachWord(text, (start, end) => {
    const term = normalise(text.slice(start, end));
    if (term !== "") terms.push(term);
  });
  return terms;
}
