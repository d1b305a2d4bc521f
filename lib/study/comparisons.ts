import type { MainResult } from "./mainResults.js";
import { cliffDelta, cohenDPaired, holm, mean, pairedPermutationTest } from "./stats/index.js";
import { byOrder } from "./style/index.js";
import { bySeedAndGoal } from "./summary.js";

/** Two agents compared goal by goal. */
export interface Comparison {
  /** The agent that stands higher on the ladder. */
  readonly a: string;
  readonly b: string;
  /** Mean of a − b in points of score. */
  readonly difference: number;
  /** Two-sided p-value of the paired permutation test, before and after Holm's correction over all pairs. */
  readonly p: number;
  readonly adjusted: number;
  /** Cohen's d of the paired differences. */
  readonly dz: number;
  /** Cliff's delta. */
  readonly delta: number;
}

/** Every pair of agents that have records, on each goal's mean reward over seeds; one family for Holm's correction. */
export function comparisons(results: readonly MainResult[]): Comparison[] {
  const rewards = new Map<string, number[]>();
  for (const { agent, record } of byOrder(results, (result) => result.agent)) {
    if (!record) continue;
    const { goals, cells } = bySeedAndGoal(record.results);
    rewards.set(
      agent,
      goals.map((_, g) => mean(cells.map((row) => 100 * row[g]!.reward))),
    );
  }
  const names = [...rewards.keys()];
  const pairs = names.flatMap((b, i) => names.slice(i + 1).map((a) => ({ a, b })));
  const tests = pairs.map(({ a, b }) => {
    const [x, y] = [rewards.get(a)!, rewards.get(b)!];
    const { difference, p } = pairedPermutationTest(x, y);
    return { a, b, difference, p, dz: cohenDPaired(x, y), delta: cliffDelta(x, y) };
  });
  const adjusted = holm(tests.map(({ p }) => p));
  return tests.map((test, i) => ({ ...test, adjusted: adjusted[i]! }));
}
