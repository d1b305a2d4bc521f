/** The states in which a group's trajectories meet: what GiGPO's step level compares. */
import { InputError } from "../../base/index.js";
import type { Group, Metrics } from "../types.js";
import { SimilarStates } from "./similarity.js";
import { mean } from "./estimator.js";

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

/** How states repeat within groups (GiGPO): sizes of the step groups and how many turns stand alone. */
export function anchorMetrics(groups: readonly Group[], similarity?: number): Metrics {
  const sizes = groups.flatMap((group) =>
    [...anchorGroups(group, similarity).values()].map((turns) => turns.length),
  );
  const turns = sizes.reduce((a, b) => a + b, 0);
  return {
    "anchor/mean_size": mean(sizes),
    "anchor/max_size": Math.max(...sizes),
    "anchor/frac_singleton": sizes.filter((size) => size === 1).length / turns,
  };
}
