/** From the finished groups of an iteration to an advantage for every turn: the one place where an estimator is chosen. */
import { discountedReturns, gigpo, isConstant, mean, requireGroup, spreadOf } from "./advantages/index.js";
import type { GrpoConfig } from "./config.js";
import { InputError } from "../base/index.js";
import { noPenalty, type Penalty } from "./penalties.js";
import type { Group, TurnAdvantages } from "./types.js";

type AdvantageConfig = GrpoConfig["advantage"];

/**
 * Advantages of all groups of an iteration. `[group][rollout][turn]` With scale "batch" they are not yet whitened:
 * that is over tokens, so it waits for the rows (`whitenRows`).
 * @param penalty taken from a turn's score, whatever it led to
 * @throws InputError for a group too small for the estimator.
 */
export function advantagesOf(
  groups: readonly Group[],
  config: AdvantageConfig,
  penalty: Penalty = noPenalty,
): TurnAdvantages[] {
  const advantages = ownAdvantages(groups, config, penalty);
  return config.shared === "hard" ? meanOfBranches(groups, advantages) : advantages;
}

function ownAdvantages(
  groups: readonly Group[],
  config: AdvantageConfig,
  penalty: Penalty,
): TurnAdvantages[] {
  if (config.estimator === "gae") {
    throw new InputError("A critic's advantages need its values: use criticAdvantages.");
  }
  if (config.estimator === "gigpo") {
    return groups.map(
      (group) =>
        gigpo(group, {
          gamma: config.gamma,
          stepWeight: config.stepWeight,
          scale: config.scale === "group" ? "group" : "none",
          epsilon: config.epsilon,
          baselineOver: config.baselineOver,
          penalty,
          ...(config.similarity === undefined ? {} : { similarity: config.similarity }),
        }).total,
    );
  }
  return groups.map((group) => groupAdvantages(group, config, penalty));
}

/** Whether every roll-out of a group came to the same return, so that it teaches nothing. */
export function hasZeroVariance(group: Group): boolean {
  return isConstant(group.rollouts.map((rollout) => rollout.return));
}

/**
 * Branches of one episode share its first turns (ARPO): each of these gets the mean of what the branches' advantages are.
 * Shared turns are known by their sampled ids, which branches have by reference.
 */
function meanOfBranches(groups: readonly Group[], advantages: readonly TurnAdvantages[]): TurnAdvantages[] {
  return groups.map(({ rollouts }, g) => {
    const shared = new Map<readonly number[], number[]>();
    rollouts.forEach(({ turns }, i) =>
      turns.forEach(({ responseIds }, t) => {
        shared.set(responseIds, [...(shared.get(responseIds) ?? []), advantages[g]![i]![t]!]);
      }),
    );
    return rollouts.map(({ turns }) => turns.map(({ responseIds }) => mean(shared.get(responseIds)!)));
  });
}

function groupAdvantages(group: Group, config: AdvantageConfig, penalty: Penalty): number[][] {
  const penalties = group.rollouts.map((r) => r.turns.map(penalty));
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
        ? 1 / (spreadOf(baseline, rowScores.flat(), config.deviation) + config.epsilon)
        : 1;
  return rowScores.map((scores) => scores.map((score) => factor * (score - centre)));
}
