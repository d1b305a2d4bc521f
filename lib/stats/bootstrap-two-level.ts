import { stream } from "../base/index.js";
import { bootstrapDefaults, type BootstrapOptions, type Estimate, percentileInterval } from "./interval.js";

/**
 * Two-level percentile bootstrap of a mean over seeds × goals. Every seed meets the same goals, so the design is
 * crossed, not nested: each resample draws seeds with replacement and, independently, goals with replacement, and
 * averages the cells where they meet (the "pigeonhole" bootstrap, Owen 2007, Annals of Applied Statistics 1(2)).
 * Resampling goals anew inside each seed would average away the luck of the draw of goals and give intervals that are
 * too narrow. With one seed this is `bootstrap` of the mean.
 *
 * Cells that are NaN (a part of the reward that a goal does not have) are left out of numerator and denominator.
 *
 * @param columns statistics to bootstrap on the same resamples, each `[seed][goal]`, all of one shape
 * @returns one estimate per column
 * @throws RangeError when there is no cell or the shapes differ
 */
export function bootstrapTwoLevel(
  columns: readonly (readonly (readonly number[])[])[],
  options: BootstrapOptions = {},
): Estimate[] {
  const seeds = columns[0]?.length ?? 0;
  const goals = columns[0]?.[0]?.length ?? 0;
  if (seeds === 0 || goals === 0) throw new RangeError("A bootstrap interval needs at least one value.");
  if (columns.some((column) => column.length !== seeds || column.some((row) => row.length !== goals))) {
    throw new RangeError("A two-level bootstrap needs the same goals for every seed.");
  }
  const { level, resamples, seed } = { ...bootstrapDefaults, ...options };
  const random = stream(seed, "bootstrap");
  // value and presence side by side: [column][seed][goal], flat
  const value = columns.map((column) => Float64Array.from(column.flat(), (x) => (Number.isNaN(x) ? 0 : x)));
  const present = columns.map((column) => Float64Array.from(column.flat(), (x) => (Number.isNaN(x) ? 0 : 1)));
  const replicates = columns.map(() => new Float64Array(resamples));
  const drawnSeeds = new Int32Array(seeds);
  const drawnGoals = new Int32Array(goals);
  for (let b = 0; b < resamples; b++) {
    for (let s = 0; s < seeds; s++) drawnSeeds[s] = seeds === 1 ? 0 : random.below(seeds);
    for (let g = 0; g < goals; g++) drawnGoals[g] = random.below(goals);
    for (let c = 0; c < columns.length; c++) {
      let sum = 0;
      let count = 0;
      for (let s = 0; s < seeds; s++) {
        const base = drawnSeeds[s]! * goals;
        for (let g = 0; g < goals; g++) {
          sum += value[c]![base + drawnGoals[g]!]!;
          count += present[c]![base + drawnGoals[g]!]!;
        }
      }
      replicates[c]![b] = sum / count;
    }
  }
  return columns.map((_, c) => ({
    value: total(value[c]!) / total(present[c]!),
    ...percentileInterval(replicates[c]!, level),
  }));
}

function total(values: Float64Array): number {
  let sum = 0;
  for (const x of values) sum += x;
  return sum;
}
