/** PPO's advantages: the critic's value of every decision's state, what `gae.ts` makes of them, and what the critic learns. */
import { RunError } from "../base/index.js";
import { estimateAdvantages, mean, noPenalty, type Penalty } from "./advantages/index.js";
import type { GrpoConfig } from "./config.js";
import type { Group, Metrics, TurnAdvantages } from "./types.js";
import type { Learner } from "./update.js";
import type { ValueHead } from "./value-head.js";

/**
 * Advantages of all groups by GAE over the critic's values, `[group][rollout][turn]`; the critic then learns the iteration's
 * returns.
 * @throws RunError when the learner cannot tell the policy's hidden states
 */
export async function criticAdvantages(
  groups: readonly Group[],
  critic: ValueHead,
  learner: Learner,
  config: Pick<GrpoConfig, "advantage" | "value">,
  penalty: Penalty = noPenalty,
): Promise<{ readonly advantages: TurnAdvantages[]; readonly metrics: Metrics }> {
  if (!learner.states || !config.value)
    throw new RunError("This learner has no states for a critic to read.");
  const turns = groups.flatMap(({ rollouts }) => rollouts.flatMap((rollout) => rollout.turns));
  const states = await learner.states(turns);
  const values = critic.values(states);
  let next = 0;
  const own = groups.map(({ rollouts }) =>
    rollouts.map((rollout) => rollout.turns.map(() => values[next++]!)),
  );
  const { advantages } = estimateAdvantages(groups, config.advantage, { penalty, values: own });
  // What the critic should have said: A + V, the return as GAE sees it.
  const targets = advantages.flat(2).map((advantage, i) => advantage + values[i]!);
  const loss = critic.learn(states, targets, config.value);
  const average = mean(targets);
  const variance = mean(targets.map((target) => (target - average) ** 2));
  const missed = targets.map((target, i) => target - values[i]!);
  const bias = mean(missed);
  return {
    advantages,
    metrics: {
      "value/mean": mean(values),
      "value/target": average,
      "loss/value": loss,
      explained_variance: variance > 0 ? 1 - mean(missed.map((miss) => (miss - bias) ** 2)) / variance : 0,
    },
  };
}
