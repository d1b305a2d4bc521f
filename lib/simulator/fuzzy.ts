/**
 * thefuzz 0.19.0's `token_set_ratio` over Python's `difflib`, which is what WebShop's reward compares texts with
 * (docs/webshop.md §6.4). Our own, because a reward must not depend on rounding: the kept package `fuzzball` gives
 * every published score, but rounds halves up where Python rounds them to even, and cleans texts differently.
 */
import { matchedLength } from "../base/index.js";
import { byCodePoint, splitWords, strip } from "./python-text.js";

/** How alike two texts are as sets of words, 0–100; any subset scores 100. */
export function tokenSetRatio(a: string, b: string): number {
  return tokenSetRatioOfProcessed(processText(a), processText(b));
}

/** `tokenSetRatio` of texts that went through `processText` already. */
export function tokenSetRatioOfProcessed(a: string, b: string): number {
  if (a === "" || b === "") return 0;
  const { shared, first, second } = compareWords(a, b);
  return Math.max(ratio(shared, first), ratio(shared, second), ratio(first, second));
}

/** Whether `tokenSetRatio` exceeds a threshold, found without difflib where lengths and letters settle it. */
export function isAlike(a: string, b: string, threshold: number): boolean {
  return isAlikeProcessed(processText(a), processText(b), threshold);
}

/** `isAlike` of texts that went through `processText` already. */
export function isAlikeProcessed(a: string, b: string, threshold: number): boolean {
  if (a === "" || b === "") return false;
  const { shared, first, second } = compareWords(a, b);
  return [
    [first, second],
    [shared, first],
    [shared, second],
  ].some(([one, two]) => mayExceed(one!, two!, threshold) && ratio(one!, two!) > threshold);
}

/** The words that two texts share, and those with the rest of either: what token_set_ratio compares. */
function compareWords(a: string, b: string): { shared: string; first: string; second: string } {
  const one = new Set(splitWords(a));
  const two = new Set(splitWords(b));
  const join = (words: string[]): string => words.sort(byCodePoint).join(" ");
  const shared = join([...one].filter((word) => two.has(word)));
  const rest = (own: ReadonlySet<string>, other: ReadonlySet<string>): string =>
    join([...own].filter((word) => !other.has(word)));
  return {
    shared,
    first: strip(`${shared} ${rest(one, two)}`),
    second: strip(`${shared} ${rest(two, one)}`),
  };
}

const SURROGATE = /[\ud800-\udfff]/;

/** Whether a ratio can exceed a threshold, by an upper bound: characters in common, wherever they stand. */
function mayExceed(a: string, b: string, threshold: number): boolean {
  if (SURROGATE.test(a) || SURROGATE.test(b)) return true; // the count below is of UTF-16 units
  const needed = ((threshold + 0.5) * (a.length + b.length)) / 200;
  if (Math.min(a.length, b.length) < needed) return false;
  const counts = new Map<number, number>();
  for (let i = 0; i < b.length; i++) counts.set(b.charCodeAt(i), (counts.get(b.charCodeAt(i)) ?? 0) + 1);
  let common = 0;
  for (let i = 0; i < a.length; i++) {
    const left = counts.get(a.charCodeAt(i)) ?? 0;
    if (left > 0) {
      common++;
      counts.set(a.charCodeAt(i), left - 1);
    }
  }
  return common >= needed;
}

/** thefuzz's cleaning: U+0080–U+00FF deleted, all but word characters to spaces, lower case, stripped. */
export function processText(text: string): string {
  const ascii = text.replace(/[\u0080-\u00ff]/g, "");
  return strip(ascii.replace(/[^\p{L}\p{N}_]/gu, " ").toLowerCase());
}

/** 100 × difflib's similarity, rounded half to even; 0 when either text is empty. */
function ratio(a: string, b: string): number {
  if (a === b) return a === "" ? 0 : 100;
  if (a === "" || b === "") return 0;
  const one = Array.from(a);
  const two = Array.from(b);
  return roundHalfEven(100 * ((2 * matchedLength(one, two, { autojunk: true })) / (one.length + two.length)));
}

/** Python's `round(x)`. */
export function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}
