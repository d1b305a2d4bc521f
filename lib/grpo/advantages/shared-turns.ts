/**
 * ARPO: branches of one episode share its first turns. Each branch's own advantage stays on its copy of them ("soft"), or
 * all copies get the mean over the branches ("hard"). On the policy that sampled, both have the same gradient.
 * Dong et al. 2025, arXiv:2507.19849, §3.2.
 */
import { z } from "zod";
import type { Group, TurnAdvantages } from "../types.js";
import { mean } from "./estimator.js";

/** Absent is "soft". */
export const sharedTurns = z.enum(["soft", "hard"]).optional();

/**
 * Advantages of which every copy of a shared turn has the mean: the setting "hard". Shared turns are known by their sampled ids, which
 * branches have by reference. `[group][rollout][turn]`
 */
export function meanOverBranches(groups: readonly Group[], advantages: TurnAdvantages[]): TurnAdvantages[] {
  return groups.map(({ rollouts }, g) => {
    const branches = new Map<readonly number[], number[]>();
    rollouts.forEach(({ turns }, i) =>
      turns.forEach(({ responseIds }, t) => {
        branches.set(responseIds, [...(branches.get(responseIds) ?? []), advantages[g]![i]![t]!]);
      }),
    );
    return rollouts.map(({ turns }) => turns.map(({ responseIds }) => mean(branches.get(responseIds)!)));
  });
}
