/**
 * GRPO and Dr.GRPO: a roll-out is as good as it is better than its own group.
 *
 *   A_i = (R_i − mean_j R_j) / (std_j R_j + ε)        GRPO     (Shao et al. 2024, arXiv:2402.03300, §4.1.2)
 *   A_i =  R_i − mean_j R_j                            Dr.GRPO  (Liu et al. 2025, arXiv:2503.20783, §3.1)
 *
 * The thesis's advantage is the second, with each "marginal" a group of its own. With scale "batch" it is the second,
 * whitened over all tokens of the batch: REINFORCE++-baseline (Hu 2025, arXiv:2501.03262).
 */
import { z } from "zod";
import { mean, rowDeviation, type Estimator, requireSeveral, scoresOf, settingsOf } from "./estimator.js";
import { meanOverBranches, sharedTurns } from "./shared-turns.js";

/** The values that mean and deviation are over: each trajectory once (the paper), or once for each of its turns (verl-agent). */
export const baselineOver = z.enum(["trajectories", "rows"]).default("trajectories");
/** ε, added to the standard deviation (verl: 1e-6). */
export const epsilon = z.number().positive().default(1e-6);

const common = { estimator: z.literal("group"), baselineOver, shared: sharedTurns };

const settings = z.discriminatedUnion("scale", [
  settingsOf("estimator group and scale none or batch", { ...common, scale: z.enum(["none", "batch"]) }),
  settingsOf("estimator group and scale group", {
    ...common,
    scale: z.literal("group"),
    epsilon,
    /** n − 1 or n in the standard deviation. */
    deviation: z.enum(["sample", "population"]).default("sample"),
  }),
]);

export const groupRelative = {
  name: "group",
  settings,
  baseline: "group",
  whitens: ({ scale }) => scale === "batch",
  estimate(groups, own, { penalty }) {
    const advantages = groups.map((group) => {
      requireSeveral(group);
      const scores = scoresOf(group, penalty);
      const baseline = own.baselineOver === "rows" ? scores.flat() : group.rollouts.map((r) => r.return);
      const average = mean(baseline);
      const factor =
        own.scale === "group" ? 1 / (rowDeviation(baseline, scores.flat(), own.deviation) + own.epsilon) : 1;
      return scores.map((turns) => turns.map((score) => factor * (score - average)));
    });
    return { advantages: own.shared === "hard" ? meanOverBranches(groups, advantages) : advantages };
  },
} satisfies Estimator<z.output<typeof settings>>;
