/**
 * The numbers of an iteration, under the names and definitions of docs/metrics.md. Every value is a plain number;
 * a metric that does not apply (no reference, no anchors) is absent.
 */
import { deviation, hasZeroVariance, mean } from "./advantages/index.js";
import type { ObjectiveSums } from "../objective/index.js";
import type { Group, Metrics } from "./types.js";

/** What the roll-outs were like. */
export function rolloutMetrics(groups: readonly Group[], maxTokens: number): Metrics {
  const rollouts = groups.flatMap((group) => group.rollouts);
  const turns = rollouts.flatMap((rollout) => rollout.turns);
  const returns = rollouts.map((rollout) => rollout.return);
  const lengths = turns.map((turn) => turn.responseIds.length);
  const prompts = turns.map((turn) => turn.promptIds.length);
  const share = (count: number, of: number): number => (of > 0 ? count / of : 0);
  const all = (group: Group, success: boolean): boolean => group.rollouts.every((r) => r.success === success);
  return {
    "return/mean": mean(returns),
    "return/std": deviation(returns),
    "return/min": Math.min(...returns),
    "return/max": Math.max(...returns),
    success_rate: share(rollouts.filter((r) => r.success).length, rollouts.length),
    task_score: mean(rollouts.map((r) => r.score)),
    "steps/mean": mean(rollouts.map((r) => r.turns.length)),
    valid_action_ratio: share(turns.filter((t) => t.formatValid).length, turns.length),
    admissible_ratio: share(turns.filter((t) => t.admissible).length, turns.length),
    truncated_ratio: share(turns.filter((t) => t.truncated).length, turns.length),
    "group_std/mean": mean(groups.map((group) => deviation(group.rollouts.map((r) => r.return)))),
    frac_zero_std: share(groups.filter(hasZeroVariance).length, groups.length),
    frac_all_success: share(groups.filter((group) => all(group, true)).length, groups.length),
    frac_all_fail: share(groups.filter((group) => all(group, false)).length, groups.length),
    "response_len/mean": mean(lengths),
    "response_len/min": Math.min(...lengths),
    "response_len/max": Math.max(...lengths),
    "response_len/clip_ratio": share(lengths.filter((length) => length >= maxTokens).length, lengths.length),
    "prompt_len/mean": mean(prompts),
    "prompt_len/max": Math.max(...prompts),
  };
}

/** What the update saw, from the sums over all tokens of its rows. */
export function updateMetrics(sums: ObjectiveSums, has: { reference: boolean }): Metrics {
  const n = Math.max(1, sums.tokens);
  return {
    "loss/policy": sums.policyLoss / n,
    ...(has.reference ? { "loss/kl": sums.klLoss / n, kl_ref: sums.klRefK3 / n } : {}),
    entropy: sums.entropy / n,
    "kl_old/k1": sums.klOldK1 / n,
    "kl_old/k3": sums.klOldK3 / n,
    "clip/low": sums.clipLow / n,
    "clip/high": sums.clipHigh / n,
    "clip/dual": sums.clipDual / n,
    "clip/frac": (sums.clipLow + sums.clipHigh + sums.clipDual) / n,
    "ratio/mean": sums.ratio / n,
    "ratio/max": sums.ratioMax,
  };
}
