/** PPO's advantages: the critic's values of every decision's state, and generalised advantage estimation over the decisions. */
import { RunError } from "../base/index.js";
import { generalisedAdvantages, mean } from "./advantages/index.js";
import type { GrpoConfig } from "./config.js";
import type { Metrics } from "./metrics.js";
import { type Penalty, noPenalty } from "./penalties.js";
import { continuation, sharedPrompts } from "./rows.js";
import type { Group, TurnAdvantages } from "./types.js";
import type { Learner } from "./update.js";
import type { ValueHead } from "./value-head.js";

/**
 * Advantages of all groups, `[group][rollout][turn]`, and the critic one iteration wiser. A time step is a decision, not a
 * token: all tokens of an answer share its advantage, and the reward of a later page reaches an earlier one through the values.
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
  const shared = sharedPrompts(turns);
  const read = await learner.states(
    shared.map(({ promptIds, rows }) => ({
      prompt: promptIds,
      completions: rows.map((i) => continuation(turns[i]!, promptIds.length)),
    })),
  );
  const states = new Array<readonly number[]>(turns.length);
  shared.forEach(({ rows }, s) => rows.forEach((i, c) => (states[i] = read[s]![c]!)));

  const values = critic.values(states);
  const targets: number[] = [];
  const { gamma, lambda = 1 } = config.advantage;
  const advantages = groups.map(({ rollouts }) =>
    rollouts.map((rollout) => {
      const rewards = rollout.turns.map((turn) => turn.reward - penalty(turn));
      const own = values.slice(targets.length, targets.length + rewards.length);
      const estimated = generalisedAdvantages(rewards, own, { gamma, lambda });
      targets.push(...estimated.returns);
      return estimated.advantages;
    }),
  );
  const loss = critic.learn(states, targets, config.value);
  const centre = mean(targets);
  const spread = mean(targets.map((target) => (target - centre) ** 2));
  const missed = targets.map((target, i) => target - values[i]!);
  const bias = mean(missed);
  return {
    advantages,
    metrics: {
      "value/mean": mean(values),
      "value/target": centre,
      "loss/value": loss,
      explained_variance: spread > 0 ? 1 - mean(missed.map((miss) => (miss - bias) ** 2)) / spread : 0,
    },
  };
}
