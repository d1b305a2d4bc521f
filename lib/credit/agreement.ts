/** How well an algorithm's advantages agree with the value of decisions. */
import { type Group, gigpo, type TurnAdvantages } from "../grpo/index.js";
import { bootstrap, type BootstrapOptions, type Estimate } from "../stats/index.js";
import type { JudgedEpisode, Value } from "./measure.js";

/** Which advantages are compared, over which groups. */
export interface CreditRule {
  /** ω; 0 is GRPO without its division: the episode level alone. */
  readonly stepWeight: number;
  /** γ of the step returns. */
  readonly gamma: number;
  /** Episodes of a group; a goal's episodes are cut into as many whole groups as there are. */
  readonly size: number;
  /** The reward that the algorithm sees and that decisions are judged by: WebShop's score, or 1 for a success and 0 else. */
  readonly reward: keyof Value;
}

/** Agreement over all decisions of all goals. */
export interface Agreement {
  /** Pearson's correlation with A*, with an interval over goals. */
  readonly correlation: Estimate;
  readonly decisions: number;
  /** Fraction of decisions whose advantage has the sign of A*, among those where neither is 0. */
  readonly sign: number;
}

/** Sums from which the correlation of any set of goals follows. */
type Sums = readonly [n: number, x: number, y: number, xx: number, yy: number, xy: number];

/**
 * Compares a rule's advantages with A* of the same decisions.
 * @param judged `[goal][sample]`
 * @throws RangeError when a goal has fewer episodes than a group
 */
export function agreement(
  judged: readonly (readonly JudgedEpisode[])[],
  rule: CreditRule,
  options: BootstrapOptions = {},
): Agreement {
  const pairs = pairsByGoal(judged, rule);
  const sums = pairs.map(sumsOf);
  const all = pairs.flat().filter(([x, y]) => x !== 0 && y !== 0);
  return {
    correlation: bootstrap(
      sums.map((_, i) => i),
      options,
      (goals) => correlationOf(goals, sums),
    ),
    decisions: pairs.flat().length,
    sign: all.filter(([x, y]) => x > 0 === y > 0).length / all.length,
  };
}

/**
 * How much better one rule's correlation is than another's, on the same decisions: the interval is of the difference, goals drawn
 * for both at once.
 */
export function agreementGain(
  judged: readonly (readonly JudgedEpisode[])[],
  rule: CreditRule,
  over: CreditRule,
  options: BootstrapOptions = {},
): Estimate {
  const [ours, theirs] = [rule, over].map((one) => pairsByGoal(judged, one).map(sumsOf));
  return bootstrap(
    judged.map((_, i) => i),
    options,
    (goals) => correlationOf(goals, ours!) - correlationOf(goals, theirs!),
  );
}

function pairsByGoal(
  judged: readonly (readonly JudgedEpisode[])[],
  rule: CreditRule,
): (readonly (readonly [number, number])[])[] {
  return judged.map((episodes) => groupsIn(episodes, rule.size).flatMap((group) => pairsOf(group, rule)));
}

function sumsOf(pairs: readonly (readonly [number, number])[]): Sums {
  return pairs.reduce<Sums>(
    ([n, sx, sy, xx, yy, xy], [x, y]) => [n + 1, sx + x, sy + y, xx + x * x, yy + y * y, xy + x * y],
    [0, 0, 0, 0, 0, 0],
  );
}

function groupsIn(episodes: readonly JudgedEpisode[], size: number): JudgedEpisode[][] {
  const count = Math.floor(episodes.length / size);
  if (count === 0)
    throw new RangeError(`A group of ${size} needs as many episodes; there are ${episodes.length}.`);
  return Array.from({ length: count }, (_, g) => episodes.slice(g * size, (g + 1) * size));
}

/** The advantage and A* of every decision of a group. */
function pairsOf(
  episodes: readonly JudgedEpisode[],
  { reward, gamma, stepWeight }: CreditRule,
): [number, number][] {
  const of = (score: number): number => (reward === "success" ? Number(score === 1) : score);
  const group: Group = {
    task: String(episodes[0]!.goal),
    rollouts: episodes.map(({ reward: score, turns }) => ({
      turns: turns.map(({ anchor }, t) => ({
        anchor,
        reward: t === turns.length - 1 ? of(score) : 0,
        promptIds: [],
        responseIds: [],
        oldLogProbs: [],
        formatValid: true,
        admissible: true,
        truncated: false,
      })),
      return: of(score),
      success: score === 1,
      score,
    })),
  };
  const total: TurnAdvantages = gigpo(group, { gamma, stepWeight, scale: "none" }).total;
  return episodes.flatMap(({ turns }, i) =>
    turns.map(({ before, after }, t): [number, number] => [total[i]![t]!, after[reward] - before[reward]]),
  );
}

function correlationOf(goals: Float64Array, sums: readonly Sums[]): number {
  const all = [0, 0, 0, 0, 0, 0];
  for (const goal of goals) sums[goal]!.forEach((value, k) => (all[k]! += value));
  const [n, x, y, xx, yy, xy] = all as unknown as Sums;
  return (n * xy - x * y) / Math.sqrt((n * xx - x * x) * (n * yy - y * y));
}
