/**
 * thefuzz 0.19.0's `token_set_ratio` over Python's `difflib`, which is what WebShop's reward compares texts with
 * (docs/webshop.md §6.4). Our own, because a reward must not depend on rounding: the kept package `fuzzball` gives
 * every published score, but rounds halves up where Python rounds them to even, and cleans texts differently.
 */
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
  return roundHalfEven(100 * ((2 * matchingLength(one, two)) / (one.length + two.length)));
}

/** Python's `round(x)`. */
export function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

/**
 * Characters in difflib's matching blocks: the longest common block, then the same to its left and right. In texts
 * of 200 characters or more, those that make up over 1 % of `b` start no block ("autojunk").
 */
function matchingLength(a: readonly string[], b: readonly string[]): number {
  const places = new Map<string, number[]>();
  b.forEach((character, j) => {
    const list = places.get(character);
    if (list) list.push(j);
    else places.set(character, [j]);
  });
  if (b.length >= 200) {
    const popular = Math.floor(b.length / 100) + 1;
    for (const [character, list] of places) if (list.length > popular) places.delete(character);
  }
  let total = 0;
  const spans: [number, number, number, number][] = [[0, a.length, 0, b.length]];
  for (let span = spans.pop(); span !== undefined; span = spans.pop()) {
    const [aLow, aHigh, bLow, bHigh] = span;
    const [i, j, size] = longestMatch(a, b, places, span);
    if (size === 0) continue;
    total += size;
    if (aLow < i && bLow < j) spans.push([aLow, i, bLow, j]);
    if (i + size < aHigh && j + size < bHigh) spans.push([i + size, aHigh, j + size, bHigh]);
  }
  return total;
}

/** difflib's `find_longest_match`: the earliest longest block, then grown over popular characters either side. */
function longestMatch(
  a: readonly string[],
  b: readonly string[],
  places: ReadonlyMap<string, readonly number[]>,
  [aLow, aHigh, bLow, bHigh]: readonly [number, number, number, number],
): [number, number, number] {
  let bestI = aLow;
  let bestJ = bLow;
  let size = 0;
  let lengths = new Map<number, number>();
  for (let i = aLow; i < aHigh; i++) {
    const next = new Map<number, number>();
    for (const j of places.get(a[i]!) ?? []) {
      if (j < bLow) continue;
      if (j >= bHigh) break;
      const length = (lengths.get(j - 1) ?? 0) + 1;
      next.set(j, length);
      if (length > size) {
        bestI = i - length + 1;
        bestJ = j - length + 1;
        size = length;
      }
    }
    lengths = next;
  }
  while (bestI > aLow && bestJ > bLow && a[bestI - 1] === b[bestJ - 1]) {
    bestI--;
    bestJ--;
    size++;
  }
  while (bestI + size < aHigh && bestJ + size < bHigh && a[bestI + size] === b[bestJ + size]) size++;
  return [bestI, bestJ, size];
}
