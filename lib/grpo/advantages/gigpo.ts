/**
 * GiGPO: the episode's advantage plus one among the decisions taken in the same state.
 *
 *   R^t_i = Σ_{k≥t} γ^{k−t} r_k                                       discounted return from step t
 *   A^E_i = (R_i − mean_j R_j) / F_E                                  over the group's trajectories
 *   A^S_t = (R^t − mean_{same anchor} R^t) / F_S                      over all turns of the group with one anchor
 *   A     = A^E + ω A^S
 *
 * F is the standard deviation plus ε, or 1. A state that nobody else visited is its own mean, so A^S = 0 there,
 * and with no repeated state at all GiGPO is GRPO. Feng et al. 2025, arXiv:2505.10978, eq. 3–8.
 */
import { InputError } from "../../base/index.js";
import type { Group, Turn, TurnAdvantages } from "../types.js";
import { SimilarStates } from "./similarity.js";
import { discountedReturns } from "./reinforce-plus-plus.js";
import { deviation, mean, spreadOf } from "./statistics.js";

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
  /** Anchors whose texts are at least so similar are one state; see {@link SimilarStates}. Default: equal ones only. */
  readonly similarity?: number;
  /** Subtracted from both levels' returns of a turn, and of no other. Default: nothing. */
  readonly penalty?: (turn: Turn) => number;
}

/** Both levels apart, for the diagnostics. All are `[rollout][turn]`. */
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
  const { gamma = 0.95, stepWeight = 1, scale = "none", epsilon = 1e-6 } = options;
  const { baselineOver = "trajectories", penalty = () => 0 } = options;
  const rollouts = group.rollouts;
  if (rollouts.length < 2)
    throw new InputError(`GiGPO needs at least 2 roll-outs in a group, not ${rollouts.length}.`);

  const rowScores = rollouts.map((r) => r.turns.map((turn) => r.return - penalty(turn)));
  const baseline = baselineOver === "rows" ? rowScores.flat() : rollouts.map((r) => r.return);
  const centre = mean(baseline);
  const spread = scale === "group" ? spreadOf(baseline, rowScores.flat()) + epsilon : 1;
  const episode = rowScores.map((scores) => scores.map((score) => (score - centre) / spread));

  const stepReturns = rollouts.map((r) =>
    discountedReturns(
      r.turns.map((turn) => turn.reward),
      gamma,
    ).map((value, t) => value - penalty(r.turns[t]!)),
  );
  const members = anchorGroups(group, options.similarity);
  const step = rollouts.map((r) => r.turns.map(() => 0));
  for (const turns of members.values()) {
    const returns = turns.map(([i, t]) => stepReturns[i]![t]!);
    const anchorCentre = mean(returns);
    const anchorSpread = scale === "group" ? deviation(returns) + epsilon : 1;
    // Alone in its state, a turn is its own mean; said outright so that rounding cannot say otherwise.
    if (turns.length > 1)
      turns.forEach(([i, t], k) => (step[i]![t] = (returns[k]! - anchorCentre) / anchorSpread));
  }
  const total = episode.map((row, i) => row.map((value, t) => value + stepWeight * step[i]![t]!));
  return { total, episode, step, stepReturns };
}

/**
 * The turns of a group by anchor, in order of first appearance; a state revisited within one trajectory joins
 * the same anchor. Each member is `[rollout, turn]`.
 * @param similarity from which on different anchors are one
 */
export function anchorGroups(
  group: Group,
  similarity?: number,
): Map<string, (readonly [rollout: number, turn: number])[]> {
  const members = new Map<string, (readonly [number, number])[]>();
  const similar = similarity === undefined ? null : new SimilarStates(similarity);
  group.rollouts.forEach((rollout, i) =>
    rollout.turns.forEach((turn, t) => {
      if (turn.anchor === undefined) {
        throw new InputError(
          `Turn ${t} of roll-out ${i} has no anchor: GiGPO needs the state of every decision.`,
        );
      }
      const state = similar ? similar.stateOf(turn.anchor) : turn.anchor;
      const list = members.get(state);
      if (list) list.push([i, t]);
      else members.set(state, [[i, t]]);
    }),
  );
  return members;
}
