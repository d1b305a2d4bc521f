import { cliffDelta } from "./effect-size.js";
import { mean } from "./mean.js";

/**
 * Probability that a run of X beats a run of Y on a task drawn at random, ties counting one half
 * (Agarwal et al. 2021, §4.3).
 * @param x `[task][run]` scores of X
 * @param y `[task][run]` scores of Y on the same tasks; the number of runs may differ
 * @throws RangeError when the tasks differ in number or one has no run
 */
export function probabilityOfImprovement(
  x: readonly (readonly number[])[],
  y: readonly (readonly number[])[],
): number {
  if (x.length !== y.length || x.length === 0) throw new RangeError("Both sides need the same tasks.");
  if ([...x, ...y].some((runs) => runs.length === 0)) throw new RangeError("Every task needs a run.");
  return mean(x.map((runs, task) => (cliffDelta(runs, y[task]!) + 1) / 2)); // P(>) + P(=)/2
}
