/** Means and standard deviations as the estimators use them. */
import type { Group } from "../types.js";

/** Arithmetic mean. @throws RangeError for an empty list. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("The mean of no values is not defined.");
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Standard deviation; `sample` divides by n − 1 (verl, TRL), `population` by n. 0 for fewer than two values. */
export function deviation(values: readonly number[], kind: "sample" | "population" = "sample"): number {
  if (values.length < 2) return 0;
  const average = mean(values);
  let sum = 0;
  for (const value of values) sum += (value - average) ** 2;
  return Math.sqrt(sum / (kind === "sample" ? values.length - 1 : values.length));
}

/**
 * The divisor of the scores of a group's rows: the deviation of the baseline's values. Where those are all equal, what differs are
 * the rows' penalties alone, and theirs is taken: divided by 0 + ε, one broken answer would outweigh everything else.
 */
export function rowDeviation(
  baseline: readonly number[],
  rows: readonly number[],
  kind: "sample" | "population" = "sample",
): number {
  return deviation(isConstant(baseline) ? rows : baseline, kind);
}

/** Whether a group's values differ by less than a rounding error: compared by range, since a mean of equal floats may differ from them. */
export function isConstant(values: readonly number[], tolerance = 1e-6): boolean {
  return Math.max(...values) - Math.min(...values) <= tolerance;
}

/** Whether every roll-out of a group came to the same return, so that comparing them teaches nothing. */
export function hasZeroVariance(group: Group): boolean {
  return isConstant(group.rollouts.map((rollout) => rollout.return));
}
