/**
 * Generalised advantage estimation, for PPO with a critic.
 *
 *   δ_t = r_t + γ V_{t+1} − V_t,    A_t = δ_t + γ λ A_{t+1}
 *
 * Schulman et al. 2016, arXiv:1506.02438, eq. 11 and 16. V after the last turn is 0: episodes end. A time step is a turn, not a
 * token: all tokens of an answer share its advantage, and the reward of a later page reaches an earlier one through the values.
 */
import { z } from "zod";
import { type Estimator, settingsOf } from "./estimator.js";

const settings = settingsOf("estimator gae", {
  estimator: z.literal("gae"),
  /** Whitened over the batch, or as they are. */
  scale: z.enum(["none", "batch"]),
  gamma: z.number().min(0).max(1).default(1),
  lambda: z.number().min(0).max(1),
});

export const gae = {
  name: "gae",
  settings,
  baseline: "critic",
  whitens: ({ scale }) => scale === "batch",
  estimate(groups, own, { penalty, values }) {
    if (!values) throw new RangeError("GAE needs a critic's value of every turn.");
    return {
      advantages: groups.map(({ rollouts }, g) =>
        rollouts.map(({ turns }, i) =>
          generalisedAdvantages(
            turns.map((turn) => turn.reward - penalty(turn)),
            values[g]![i]!,
            own,
          ),
        ),
      ),
    };
  },
} satisfies Estimator<z.output<typeof settings>>;

/** Advantages of one sequence. Rewards and values are `[t]`, so is the result. */
export function generalisedAdvantages(
  rewards: readonly number[],
  values: readonly number[],
  { gamma, lambda }: { readonly gamma: number; readonly lambda: number },
): number[] {
  if (rewards.length !== values.length) {
    throw new RangeError(
      `GAE needs one value for each reward: ${values.length} values for ${rewards.length} rewards.`,
    );
  }
  const advantages = new Array<number>(rewards.length);
  let following = 0;
  for (let t = rewards.length - 1; t >= 0; t--) {
    const next = t + 1 < values.length ? values[t + 1]! : 0;
    const delta = rewards[t]! + gamma * next - values[t]!;
    advantages[t] = following = delta + gamma * lambda * following;
  }
  return advantages;
}
