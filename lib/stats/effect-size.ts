import { mean, variance } from "./mean.js";

/**
 * Cohen's d of two independent samples: difference of means over the pooled standard deviation (Cohen 1988, §2.5).
 * NaN when neither sample varies.
 */
export function cohenD(a: readonly number[], b: readonly number[]): number {
  const pooled = ((a.length - 1) * variance(a) + (b.length - 1) * variance(b)) / (a.length + b.length - 2);
  return (mean(a) - mean(b)) / Math.sqrt(pooled);
}

/**
 * Cohen's d for pairs (d_z): mean difference over the standard deviation of the differences (Cohen 1988, §2.3.5).
 * @throws RangeError when the lengths differ
 */
export function cohenDPaired(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) throw new RangeError("Paired samples have the same length.");
  const differences = a.map((x, i) => x - b[i]!);
  return mean(differences) / Math.sqrt(variance(differences));
}

/**
 * Cliff's delta: P(A > B) − P(A < B) for one value drawn from each sample (Cliff 1993). In [−1, 1]; needs no
 * assumption about the shape of the distributions, which suits rewards that pile up at a few values.
 */
export function cliffDelta(a: readonly number[], b: readonly number[]): number {
  const sorted = Float64Array.from(b).sort();
  let sum = 0;
  for (const x of a) sum += countBelow(sorted, x) - (sorted.length - countUpTo(sorted, x));
  return sum / (a.length * b.length);
}

/** How many sorted values are < x. */
function countBelow(sorted: Float64Array, x: number): number {
  return search(sorted, (y) => y < x);
}

/** How many sorted values are ≤ x. */
function countUpTo(sorted: Float64Array, x: number): number {
  return search(sorted, (y) => y <= x);
}

function search(sorted: Float64Array, holds: (y: number) => boolean): number {
  let lo = 0;
  let hi = sorted.length;
  while (lo < hi) {
    const middle = (lo + hi) >> 1;
    if (holds(sorted[middle]!)) lo = middle + 1;
    else hi = middle;
  }
  return lo;
}
