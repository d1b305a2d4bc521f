/**
 * RLOO: the baseline of a roll-out is the mean of the others.
 *
 *   A_i = R_i − (1/(n−1)) Σ_{j≠i} R_j  =  n/(n−1) · (R_i − mean_j R_j)
 *
 * Ahmadian et al. 2024, arXiv:2402.14740, §2.3 (after Kool et al. 2019). There is no scale: leave-one-out is unbiased only
 * without division. Over rows, the baseline is the mean of the rows of the other trajectories, none of its own.
 */
import { z } from "zod";
import { mean, type Estimator, requireSeveral, scoresOf, settingsOf } from "./estimator.js";
import { baselineOver } from "./group-relative.js";
import { meanOverBranches, sharedTurns } from "./shared-turns.js";

const settings = settingsOf("estimator loo (leave-one-out, unbiased only without division)", {
  estimator: z.literal("loo"),
  baselineOver,
  shared: sharedTurns,
});

export const leaveOneOut = {
  name: "loo",
  settings,
  baseline: "group",
  estimate(groups, own, { penalty }) {
    const advantages = groups.map((group) => {
      requireSeveral(group);
      if (own.baselineOver === "rows") {
        const scores = scoresOf(group, penalty);
        return scores.map((turns, i) => {
          const others = mean(scores.filter((_, j) => j !== i).flat());
          return turns.map((score) => score - others);
        });
      }
      const returns = group.rollouts.map((rollout) => rollout.return);
      const average = mean(returns);
      const n = returns.length;
      return group.rollouts.map((rollout) => {
        const advantage = (n / (n - 1)) * (rollout.return - average);
        return rollout.turns.map((turn) => advantage - penalty(turn));
      });
    });
    return { advantages: own.shared === "hard" ? meanOverBranches(groups, advantages) : advantages };
  },
} satisfies Estimator<z.output<typeof settings>>;
