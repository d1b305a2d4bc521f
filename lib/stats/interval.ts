import { quantile } from "./quantile.js";

/** A point estimate with the ends of its confidence interval, in the unit of the estimate. */
export interface Estimate {
  readonly value: number;
  readonly lo: number;
  readonly hi: number;
}

/** How a bootstrap interval is computed. */
export interface BootstrapOptions {
  /** Nominal coverage. Default 0.95. */
  readonly level?: number;
  /** Number of resamples. Default 10,000. */
  readonly resamples?: number;
  /** Seed of the resampling. Default 0: the same data always give the same interval. */
  readonly seed?: number | string;
}

/** The default settings of intervals. */
export const bootstrapDefaults = { level: 0.95, resamples: 10_000, seed: 0 } as const;

/**
 * The percentile interval of bootstrap replicates (Efron & Tibshirani 1993, ch. 13): replicates that are not
 * finite (a statistic undefined on a resample) are left out.
 */
export function percentileInterval(replicates: Float64Array, level: number): { lo: number; hi: number } {
  const sorted = replicates.filter((x) => Number.isFinite(x)).sort();
  if (sorted.length === 0) return { lo: NaN, hi: NaN };
  const tail = (1 - level) / 2;
  return { lo: quantile(sorted, tail), hi: quantile(sorted, 1 - tail) };
}
