import { matchedLength } from "../../base/index.js";

/**
 * States that are nearly the same count as one: a text joins the first earlier state that it is similar enough to
 * (verl-agent's option for question answering; greedy, so it depends on the order of the roll-outs).
 *
 *   ratio(a, b) = 2 M / (|a| + |b|)
 *
 * M is the number of characters in common (`matchedLength`): Python's `difflib.SequenceMatcher.ratio` with autojunk off.
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
  return (2 * matchedLength(a, b)) / total;
}
