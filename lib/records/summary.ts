import type { EpisodeResult } from "./kinds/episode-rows.js";
import { type BootstrapOptions, bootstrapTwoLevel, type Estimate, mean } from "../stats/index.js";

/** Means of an agent over a set of goals, with 95 % intervals. */
export interface Summary {
  /** Mean reward, in per cent (WebShop's "score"). */
  readonly score: Estimate;
  /** Fraction of episodes whose reward is exactly 1, in per cent. */
  readonly successRate: Estimate;
  /** Means in [0, 1]. `rOption` counts only the goals that name an option. */
  readonly parts: {
    readonly rType: Estimate;
    readonly rAtt: Estimate;
    readonly rOption: Estimate;
    readonly rPrice: Estimate;
  };
  /** Mean number of actions per episode. */
  readonly steps: number;
  /** Fraction of episodes that ended with a purchase, in [0, 1]. */
  readonly bought: number;
  readonly goals: number;
  readonly seeds: readonly number[];
}

/** A success is a reward of exactly 1 (WebShop's success rate). */
export function isSuccess(result: { readonly reward: number }): boolean {
  return result.reward === 1;
}

/**
 * Score, success rate and parts with percentile bootstrap intervals: over goals, and over goals and seeds together
 * where there are several seeds (`bootstrapTwoLevel`).
 * @param results every goal once for each seed, in any order
 * @throws RangeError when a goal is missing for a seed
 */
export function summarize(results: readonly EpisodeResult[], options: BootstrapOptions = {}): Summary {
  const { seeds, goals, cells } = bySeedAndGoal(results);
  const column = (of: (result: EpisodeResult) => number): number[][] => cells.map((row) => row.map(of));
  const [score, success, rType, rAtt, rOption, rPrice] = bootstrapTwoLevel(
    [
      column((r) => 100 * r.reward),
      column((r) => (isSuccess(r) ? 100 : 0)),
      column((r) => r.rType),
      column((r) => r.rAtt),
      column((r) => r.rOption ?? NaN),
      column((r) => r.rPrice),
    ],
    options,
  );
  return {
    score: score!,
    successRate: success!,
    parts: { rType: rType!, rAtt: rAtt!, rOption: rOption!, rPrice: rPrice! },
    steps: mean(results.map((r) => r.steps)),
    bought: mean(results.map((r) => (r.bought ? 1 : 0))),
    goals: goals.length,
    seeds,
  };
}

/**
 * Score and success rate in per cent, without intervals: the `value`s of `summarize`, thousands of times faster, for lists of records.
 * @throws RangeError when there is no result
 */
export function scoreAndSuccess(results: readonly EpisodeResult[]): { score: number; successRate: number } {
  if (results.length === 0) throw new RangeError("There is no result to summarise.");
  return {
    score: mean(results.map((r) => 100 * r.reward)),
    successRate: mean(results.map((r) => (isSuccess(r) ? 100 : 0))),
  };
}

/** Results as a table `[seed][goal]`, both ascending. */
export function bySeedAndGoal(results: readonly EpisodeResult[]): {
  seeds: number[];
  goals: number[];
  cells: EpisodeResult[][];
} {
  const ascending = (values: Iterable<number>): number[] => [...new Set(values)].sort((a, b) => a - b);
  const seeds = ascending(results.map((r) => r.seed));
  const goals = ascending(results.map((r) => r.goal));
  const found = new Map(results.map((r) => [`${r.seed}/${r.goal}`, r]));
  if (found.size !== results.length || found.size !== seeds.length * goals.length) {
    throw new RangeError("Every seed needs every goal exactly once.");
  }
  const cells = seeds.map((seed) => goals.map((goal) => found.get(`${seed}/${goal}`)!));
  return { seeds, goals, cells };
}
