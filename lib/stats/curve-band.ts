import { bootstrap } from "./bootstrap.js";
import type { BootstrapOptions } from "./interval.js";
import { mean } from "./mean.js";

/** One point of a learning curve with its band. */
export interface BandPoint {
  readonly step: number;
  readonly value: number;
  readonly lo: number;
  readonly hi: number;
  /** Number of runs that reached this step. */
  readonly runs: number;
}

/**
 * A learning curve over several runs: at each step the mean over the runs that logged it, with a pointwise
 * percentile bootstrap band over runs. A run that ended early counts only where it has values; a step that one run
 * alone logged has a band of no width.
 * @param runs per run, its `(step, value)` pairs in any order
 */
export function curveBand(
  runs: readonly (readonly { readonly step: number; readonly value: number }[])[],
  options: BootstrapOptions & { statistic?: (values: ArrayLike<number>) => number } = {},
): BandPoint[] {
  const { statistic = mean, resamples = 2_000, ...rest } = options;
  const byStep = new Map<number, number[]>();
  for (const run of runs) {
    for (const { step, value } of run) byStep.set(step, [...(byStep.get(step) ?? []), value]);
  }
  return [...byStep.keys()]
    .sort((a, b) => a - b)
    .map((step) => {
      const values = byStep.get(step)!;
      return { step, ...bootstrap(values, { resamples, ...rest }, statistic), runs: values.length };
    });
}
