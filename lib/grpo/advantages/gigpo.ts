/**
 * GiGPO: the episode's advantage plus one among the decisions taken in the same state.
 *
 *   R^t_i = Σ_{k≥t} γ^{k−t} r_k                                       discounted return from step t
 *   A^E_i = (R_i − mean_j R_j) / F_E                                  over the group's trajectories
 *   A^S_t = (R^t − mean_{same anchor} R^t) / F_S                      over all turns of the group with one anchor
 *   A     = A^E + ω A^S
 *
 * F is the standard deviation plus ε, or 1. A state that no other turn visited is its own mean, so A^S = 0 there,
 * and with no repeated state at all GiGPO is GRPO. Feng et al. 2025, arXiv:2505.10978, eq. 3–8.
 */
import { z } from "zod";
import type { Group, Metrics, TurnAdvantages } from "../types.js";
import { anchorGroups, anchorMetrics } from "./anchors.js";
import {
  deviation,
  mean,
  rowDeviation,
  type Estimator,
  noPenalty,
  type Penalty,
  requireSeveral,
  scoresOf,
  settingsOf,
} from "./estimator.js";
import { baselineOver, epsilon } from "./group-relative.js";
import { discountedReturns } from "./reinforce-pp.js";
import { meanOverBranches, sharedTurns } from "./shared-turns.js";

const common = {
  estimator: z.literal("gigpo"),
  baselineOver,
  shared: sharedTurns,
  /** γ of the step returns. */
  gamma: z.number().min(0).max(1).default(1),
  /** ω, the weight of the step level. */
  stepWeight: z.number().min(0).default(1),
  /** States whose texts are at least so similar are one (difflib's ratio). Absent: only equal ones. */
  similarity: z.number().gt(0).lt(1).optional(),
};

const settings = z.discriminatedUnion("scale", [
  settingsOf("estimator gigpo and scale none", { ...common, scale: z.literal("none") }),
  settingsOf("estimator gigpo and scale group", { ...common, scale: z.literal("group"), epsilon }),
]);

export const gigpoEstimator = {
  name: "gigpo",
  settings,
  baseline: "group",
  estimate(groups, own, { penalty }) {
    const { similarity, ...rest } = own;
    const options = { ...rest, penalty, ...(similarity === undefined ? {} : { similarity }) };
    const levels = groups.map((group) => gigpo(group, options));
    const totals = levels.map(({ total }) => total);
    return {
      advantages: own.shared === "hard" ? meanOverBranches(groups, totals) : totals,
      metrics: { ...anchorMetrics(groups, similarity), ...levelMetrics(levels, own.stepWeight) },
    };
  },
} satisfies Estimator<z.output<typeof settings>>;

/** How much of the advantage each level says: mean sizes, and the step level's part of their sum. */
function levelMetrics(levels: readonly GigpoAdvantages[], stepWeight: number): Metrics {
  const magnitude = (values: (one: GigpoAdvantages) => TurnAdvantages): number =>
    mean(levels.flatMap((one) => values(one).flat()).map(Math.abs));
  const [episode, step] = [magnitude((one) => one.episode), stepWeight * magnitude((one) => one.step)];
  return {
    "adv_episode/abs_mean": episode,
    "adv_step/abs_mean": step,
    "adv_step/share": episode + step > 0 ? step / (episode + step) : 0,
  };
}

export interface GigpoOptions {
  /** Discount of the step returns. Default 0.95. */
  readonly gamma?: number;
  /** ω, the weight of the step level. Default 1. */
  readonly stepWeight?: number;
  /** Divide by the standard deviation ("group") or not ("none", the paper's better variant on WebShop). Default "none". */
  readonly scale?: "group" | "none";
  /** Default 1e-6. */
  readonly epsilon?: number;
  /**
   * Which values the episode's mean and deviation are over: each trajectory once (the paper's eq. 3), or once
   * for each of its turns, so that long trajectories count more (what verl-agent's code does). Default "trajectories".
   */
  readonly baselineOver?: "trajectories" | "rows";
  /** Anchors whose texts are at least so similar are one state; see `SimilarStates`. Default: equal ones only. */
  readonly similarity?: number;
  /** Subtracted from both levels' returns of a turn, and of no other. Default: nothing. */
  readonly penalty?: Penalty;
}

/** The two levels and their sum, for the diagnostics. All are `[rollout][turn]`. */
export interface GigpoAdvantages {
  readonly total: TurnAdvantages;
  readonly episode: TurnAdvantages;
  readonly step: TurnAdvantages;
  /** R^t, less the turn's penalty. */
  readonly stepReturns: TurnAdvantages;
}

/**
 * GiGPO's advantages of one group.
 * @throws InputError for fewer than two roll-outs, or a turn without an anchor.
 */
export function gigpo(group: Group, options: GigpoOptions = {}): GigpoAdvantages {
  const { gamma = 0.95, stepWeight = 1, scale = "none", epsilon: least = 1e-6 } = options;
  const { baselineOver: over = "trajectories", penalty = noPenalty } = options;
  requireSeveral(group);
  const { rollouts } = group;
  const scores = scoresOf(group, penalty);
  const baseline = over === "rows" ? scores.flat() : rollouts.map((r) => r.return);
  const average = mean(baseline);
  const divisor = scale === "group" ? rowDeviation(baseline, scores.flat()) + least : 1;
  const episode = scores.map((turns) => turns.map((score) => (score - average) / divisor));

  const stepReturns = rollouts.map((r) =>
    discountedReturns(
      r.turns.map((turn) => turn.reward),
      gamma,
    ).map((value, t) => value - penalty(r.turns[t]!)),
  );
  const step = rollouts.map((r) => r.turns.map(() => 0));
  for (const turns of anchorGroups(group, options.similarity).values()) {
    // Alone in its state, a turn is its own mean: 0, which rounding may not change.
    if (turns.length === 1) continue;
    const returns = turns.map(([i, t]) => stepReturns[i]![t]!);
    const stateAverage = mean(returns);
    const stateDivisor = scale === "group" ? deviation(returns) + least : 1;
    turns.forEach(([i, t], k) => (step[i]![t] = (returns[k]! - stateAverage) / stateDivisor));
  }
  const total = episode.map((row, i) => row.map((value, t) => value + stepWeight * step[i]![t]!));
  return { total, episode, step, stepReturns };
}
