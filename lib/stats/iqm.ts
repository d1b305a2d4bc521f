import { mean } from "./mean.js";

/**
 * Interquartile mean: the mean of the middle half, leaving out ⌊n/4⌋ values at either end (Agarwal et al. 2021,
 * "Deep RL at the edge of the statistical precipice", §4.2; the same cut as `scipy.stats.trim_mean(x, 0.25)`).
 * @throws RangeError when there are no values
 */
export function iqm(values: ArrayLike<number>): number {
  if (values.length === 0) throw new RangeError("An interquartile mean needs at least one value.");
  const sorted = Float64Array.from(values).sort();
  const cut = Math.floor(sorted.length / 4);
  return mean(sorted.subarray(cut, sorted.length - cut));
}
