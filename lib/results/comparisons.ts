import { byOrder, methodNamed } from "./ladder.js";
import { mainAgents, type MainResult } from "./main-results.js";
import { cliffDelta, cohenDPaired, holm, mean, pairedPermutationTest } from "../stats/index.js";
import { bySeedAndGoal, isSuccess } from "../records/index.js";

/** A difference and how surprising it would be by chance. */
export interface Difference {
  /** Mean of a − b, in points of score or of success rate. */
  readonly difference: number;
  /** Two-sided p-value of the paired permutation test, before and after Holm's correction over its family. */
  readonly p: number;
  readonly adjusted: number;
}

/** Two agents compared goal by goal. */
export interface Comparison extends Difference {
  /** The agent that stands higher on the ladder, or that a question is about. */
  readonly a: string;
  readonly b: string;
  /** The same for success, on the same goals and in the same family. */
  readonly success: Difference;
  /** Cohen's d of the paired differences of score. */
  readonly dz: number;
  /** Cliff's delta of score. */
  readonly delta: number;
}

/** Two agents, by name. */
export type Pair = readonly [a: string, b: string];

/**
 * Compares pairs on each goal's mean over seeds, by paired permutation tests of score and of success. All tests of the
 * call are one family for Holm's correction. A pair of which one has no record is left out.
 */
export function comparePairs(
  results: readonly Pick<MainResult, "agent" | "record">[],
  pairs: readonly Pair[],
): Comparison[] {
  const perGoal = new Map<string, { score: number[]; success: number[] }>();
  for (const { agent, record } of results) {
    if (!record) continue;
    const { goals, cells } = bySeedAndGoal(record.results);
    const column = (of: (result: { reward: number }) => number): number[] =>
      goals.map((_, g) => mean(cells.map((row) => 100 * of(row[g]!))));
    perGoal.set(agent, {
      score: column(({ reward }) => reward),
      success: column((result) => Number(isSuccess(result))),
    });
  }
  const tests = pairs
    .filter(([a, b]) => perGoal.has(a) && perGoal.has(b))
    .map(([a, b]) => {
      const [x, y] = [perGoal.get(a)!, perGoal.get(b)!];
      const score = pairedPermutationTest(x.score, y.score);
      const success = pairedPermutationTest(x.success, y.success);
      return {
        a,
        b,
        score,
        success,
        dz: cohenDPaired(x.score, y.score),
        delta: cliffDelta(x.score, y.score),
      };
    });
  const adjusted = holm(tests.flatMap(({ score, success }) => [score.p, success.p]));
  const corrected = ({ difference, p }: { difference: number; p: number }, at: number): Difference => ({
    difference,
    p,
    adjusted: adjusted[at]!,
  });
  return tests.map(({ score, success, ...test }, i) => ({
    ...test,
    ...corrected(score, 2 * i),
    success: corrected(success, 2 * i + 1),
  }));
}

/** Every pair of the agents that are always in the main table. */
export function comparisons(results: readonly MainResult[]): Comparison[] {
  const names = byOrder(results, (result) => result.agent)
    .map(({ agent }) => agent)
    .filter((agent) => mainAgents.some((one) => one.agent === agent));
  return comparePairs(
    results,
    names.flatMap((b, i) => names.slice(i + 1).map((a) => [a, b] as const)),
  );
}

/**
 * The pairs that the study asks about where agents were trained: each against what it began from, and against the methods that
 * its row of the ladder names.
 */
export function learningPairs(results: readonly MainResult[]): Pair[] {
  const learned = byOrder(
    results.filter(({ start }) => start !== null),
    ({ agent }) => agent,
  );
  const names = new Set(learned.map(({ agent }) => agent));
  return [
    ...learned.map(({ agent, start }): Pair => [agent, start!]),
    ...learned.flatMap(({ agent }) =>
      (methodNamed(agent)?.questions ?? [])
        .filter((other) => names.has(other))
        .map((other): Pair => [agent, other]),
    ),
  ];
}

/** {@link learningPairs}, compared. */
export function learningComparisons(results: readonly MainResult[]): Comparison[] {
  return comparePairs(results, learningPairs(results));
}
