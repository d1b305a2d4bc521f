/** From the finished groups of an iteration to an advantage for every turn: the one place where an estimator is chosen. */
import { deviation, discountedReturns, gigpo, isConstant, mean, requireGroup } from "./advantages/index.js";
import type { GrpoConfig } from "./config.js";
import type { Group, TurnAdvantages } from "./types.js";

type AdvantageConfig = GrpoConfig["advantage"];

/**
 * Advantages of all groups of an iteration. `[group][rollout][turn]` With scale "batch" they are not yet whitened:
 * that is over tokens, so it waits for the rows (`whitenRows`).
 * @param invalidPenalty taken from the score of a turn whose response lacked the form asked for.
 * @throws InputError for a group too small for the estimator.
 */
export function advantagesOf(
  groups: readonly Group[],
  config: AdvantageConfig,
  invalidPenalty = 0,
): TurnAdvantages[] {
  if (config.estimator === "gigpo") {
    return groups.map(
      (group) =>
        gigpo(group, {
          gamma: config.gamma,
          stepWeight: config.stepWeight,
          scale: config.scale === "group" ? "group" : "none",
          epsilon: config.epsilon,
          baselineOver: config.baselineOver,
          invalidPenalty,
          ...(config.similarity === undefined ? {} : { similarity: config.similarity }),
        }).total,
    );
  }
  return groups.map((group) => groupAdvantages(group, config, invalidPenalty));
}

/** Whether every roll-out of a group came to the same return, so that it teaches nothing. */
export function hasZeroVariance(group: Group): boolean {
  return isConstant(group.rollouts.map((rollout) => rollout.return));
}

function groupAdvantages(group: Group, config: AdvantageConfig, invalidPenalty: number): number[][] {
  const penalties = group.rollouts.map((r) => r.turns.map((turn) => (turn.formatValid ? 0 : invalidPenalty)));
  if (config.estimator === "return") {
    return group.rollouts.map((rollout, i) => {
      const rewards = rollout.turns.map((turn, t) => turn.reward - penalties[i]![t]!);
      return discountedReturns(rewards, config.gamma);
    });
  }
  // The penalty is inside a row's score, so rows of one trajectory may differ; the baseline is over trajectories'
  // returns, or over all rows' scores (verl-agent: long trajectories then count more).
  const rowScores = group.rollouts.map((r, i) => r.turns.map((_, t) => r.return - penalties[i]![t]!));
  const baseline = config.baselineOver === "rows" ? rowScores.flat() : group.rollouts.map((r) => r.return);
  requireGroup(baseline);
  const centre = mean(baseline);
  const n = baseline.length;
  const factor =
    config.estimator === "loo"
      ? n / (n - 1)
      : config.scale === "group"
        ? 1 / (deviation(baseline, config.deviation) + config.epsilon)
        : 1;
  return rowScores.map((scores) => scores.map((score) => factor * (score - centre)));
}
