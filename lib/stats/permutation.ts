import { stream } from "../base/index.js";
import { mean } from "./mean.js";

/** The outcome of a paired permutation test. */
export interface PermutationTest {
  /** Mean of a − b. */
  readonly difference: number;
  /** Two-sided p-value. */
  readonly p: number;
  /** True when every sign pattern was counted, false when patterns were sampled. */
  readonly exact: boolean;
}

/**
 * Two-sided paired permutation test of mean(a − b) = 0 (Fisher 1935; Good 2005, §3.2): under the hypothesis each
 * pair could as well have been seen the other way round, so the sign of every difference is exchangeable.
 * Up to 20 pairs that differ, all sign patterns are counted; beyond that `resamples` patterns are drawn and the
 * observed one is added to them ((hits + 1) ÷ (resamples + 1), Phipson & Smyth 2010), so p is never 0.
 * @throws RangeError when the lengths differ or there is no pair
 */
export function pairedPermutationTest(
  a: readonly number[],
  b: readonly number[],
  options: { resamples?: number; seed?: number | string } = {},
): PermutationTest {
  if (a.length !== b.length || a.length === 0) {
    throw new RangeError(
      `A paired test needs as many values on either side, not ${a.length} and ${b.length}.`,
    );
  }
  const differences = a.map((x, i) => x - b[i]!);
  const difference = mean(differences);
  const moved = differences.filter((d) => d !== 0); // pairs that agree change no sum
  const observed = Math.abs(sumOf(moved));
  const atLeast = observed - 1e-12 * Math.max(1, observed); // equal sums added in another order count as equal
  if (moved.length <= 20) {
    const patterns = 2 ** moved.length;
    let hits = 0;
    for (let pattern = 0; pattern < patterns; pattern++) {
      let sum = 0;
      for (let i = 0; i < moved.length; i++) sum += (pattern >>> i) & 1 ? -moved[i]! : moved[i]!;
      if (Math.abs(sum) >= atLeast) hits++;
    }
    return { difference, p: hits / patterns, exact: true };
  }
  const { resamples = 10_000, seed = 0 } = options;
  const random = stream(seed, "permutation");
  let hits = 0;
  for (let k = 0; k < resamples; k++) {
    let sum = 0;
    for (const d of moved) sum += random.next() < 0.5 ? -d : d;
    if (Math.abs(sum) >= atLeast) hits++;
  }
  return { difference, p: (hits + 1) / (resamples + 1), exact: false };
}

function sumOf(values: readonly number[]): number {
  let sum = 0;
  for (const x of values) sum += x;
  return sum;
}
