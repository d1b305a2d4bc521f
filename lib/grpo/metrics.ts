/** Numbers of an iteration's roll-outs, under the names and definitions of docs/metrics.md. Those of the update are in `update.ts`. */
import { deviation, hasZeroVariance, mean } from "./advantages/index.js";
import { sampledLength } from "./update.js";
import type { Group, Metrics } from "./types.js";

/** The metrics of the roll-outs. */
export function rolloutMetrics(groups: readonly Group[], maxTokens: number): Metrics {
  const rollouts = groups.flatMap((group) => group.rollouts);
  const turns = rollouts.flatMap((rollout) => rollout.turns);
  const returns = rollouts.map((rollout) => rollout.return);
  const lengths = turns.map(sampledLength);
  const prompts = turns.map((turn) => turn.promptIds.length);
  const all = (group: Group, success: boolean): boolean => group.rollouts.every((r) => r.success === success);
  return {
    "return/mean": mean(returns),
    "return/std": deviation(returns),
    "return/min": Math.min(...returns),
    "return/max": Math.max(...returns),
    success_rate: rollouts.filter((r) => r.success).length / rollouts.length,
    task_score: mean(rollouts.map((r) => r.score)),
    "steps/mean": mean(rollouts.map((r) => r.turns.length)),
    valid_action_ratio: turns.filter((t) => t.formatValid).length / turns.length,
    admissible_ratio: turns.filter((t) => t.admissible).length / turns.length,
    truncated_ratio: turns.filter((t) => t.truncated).length / turns.length,
    "group_std/mean": mean(groups.map((group) => deviation(group.rollouts.map((r) => r.return)))),
    frac_zero_std: groups.filter(hasZeroVariance).length / groups.length,
    frac_all_success: groups.filter((group) => all(group, true)).length / groups.length,
    frac_all_fail: groups.filter((group) => all(group, false)).length / groups.length,
    "response_len/mean": mean(lengths),
    "response_len/min": Math.min(...lengths),
    "response_len/max": Math.max(...lengths),
    "response_len/clip_ratio": lengths.filter((length) => length >= maxTokens).length / lengths.length,
    "prompt_len/mean": mean(prompts),
    "prompt_len/max": Math.max(...prompts),
  };
}
