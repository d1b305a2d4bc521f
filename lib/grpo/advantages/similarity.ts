/**
 * States that are nearly the same count as one: a text joins the first earlier state that it is similar enough to
 * (verl-agent's option for question answering; greedy, so it depends on the order of the roll-outs).
 *
 *   ratio(a, b) = 2 M / (|a| + |b|)
 *
 * M is the number of characters in common, found as Ratcliff and Obershelp do: the longest common block, then the same to the
 * left and to the right of it. That is Python's `difflib.SequenceMatcher.ratio` without its "popular" shortcut.
 */
export class SimilarStates {
  readonly #states: string[] = [];
  readonly #known = new Map<string, string>();

  /** @param threshold the least ratio, in (0, 1); verl-agent: 0.9 to 0.95 */
  constructor(private readonly threshold: number) {}

  /** The state that a text belongs to: an earlier one that is similar, or itself from now on. */
  stateOf(text: string): string {
    let state = this.#known.get(text);
    if (state === undefined) {
      state = this.#states.find((earlier) => this.#isSimilar(text, earlier)) ?? text;
      if (state === text) this.#states.push(text);
      this.#known.set(text, state);
    }
    return state;
  }

  #isSimilar(a: string, b: string): boolean {
    // No more characters can be in common than the shorter text has: most pairs are settled by this.
    const total = a.length + b.length;
    if (total > 0 && (2 * Math.min(a.length, b.length)) / total < this.threshold) return false;
    return similarityRatio(a, b) >= this.threshold;
  }
}

/** How similar two texts are, from 0 to 1; 1 for equal ones. Not symmetric in rare cases, as in Python. */
export function similarityRatio(a: string, b: string): number {
  const total = a.length + b.length;
  if (total === 0) return 1;
  const places = new Map<string, number[]>();
  for (let j = 0; j < b.length; j++) {
    const list = places.get(b[j]!);
    if (list) list.push(j);
    else places.set(b[j]!, [j]);
  }
  let matched = 0;
  const open: [number, number, number, number][] = [[0, a.length, 0, b.length]];
  for (let part = open.pop(); part; part = open.pop()) {
    const [aFrom, aTo, bFrom, bTo] = part;
    const [i, j, length] = longestMatch(a, places, part);
    if (length === 0) continue;
    matched += length;
    open.push([aFrom, i, bFrom, j], [i + length, aTo, j + length, bTo]);
  }
  return (2 * matched) / total;
}

/** The longest block in common within the bounds; of several the one that starts first in a, then in b. */
function longestMatch(
  a: string,
  places: ReadonlyMap<string, readonly number[]>,
  [aFrom, aTo, bFrom, bTo]: readonly [number, number, number, number],
): [i: number, j: number, length: number] {
  let best: [number, number, number] = [aFrom, bFrom, 0];
  let lengths = new Map<number, number>();
  for (let i = aFrom; i < aTo; i++) {
    const next = new Map<number, number>();
    for (const j of places.get(a[i]!) ?? []) {
      if (j < bFrom) continue;
      if (j >= bTo) break;
      const length = (lengths.get(j - 1) ?? 0) + 1;
      next.set(j, length);
      if (length > best[2]) best = [i - length + 1, j - length + 1, length];
    }
    lengths = next;
  }
  return best;
}
