import { stream } from "../base/index.js";
import { bootstrapDefaults, type BootstrapOptions, type Estimate, percentileInterval } from "./interval.js";
import { mean } from "./mean.js";

/**
 * One-level percentile bootstrap: resamples the values with replacement and takes the interval of the statistic.
 * @param values one number per unit (for us: per goal)
 * @param statistic of a resample; default the mean
 * @throws RangeError when there are no values
 */
export function bootstrap(
  values: readonly number[],
  options: BootstrapOptions = {},
  statistic: (sample: Float64Array) => number = mean,
): Estimate {
  const n = values.length;
  if (n === 0) throw new RangeError("A bootstrap interval needs at least one value.");
  const { level, resamples, seed } = { ...bootstrapDefaults, ...options };
  const random = stream(seed, "bootstrap");
  const data = Float64Array.from(values);
  const sample = new Float64Array(n);
  const replicates = new Float64Array(resamples);
  for (let b = 0; b < resamples; b++) {
    for (let i = 0; i < n; i++) sample[i] = data[random.below(n)]!;
    replicates[b] = statistic(sample);
  }
  return { value: statistic(data), ...percentileInterval(replicates, level) };
}
