/**
 * REINFORCE++: no group, one baseline for the whole batch.
 *
 *   G_t = r_t + γ G_{t+1},    A = (G − mean_batch) · 1/√(var_batch + 1e-8)
 *
 * over all counted tokens, variance with Bessel's correction. The "-baseline" variant first subtracts the
 * group's mean from the score and gives every token of the roll-out the result. Hu 2025, arXiv:2501.03262.
 */
import { mean } from "./statistics.js";
/** Running returns of one sequence of rewards. `[t] → [t]` */
export function discountedReturns(rewards: readonly number[], gamma: number): number[] {
  const returns = new Array<number>(rewards.length);
  let following = 0;
  for (let t = rewards.length - 1; t >= 0; t--) returns[t] = following = rewards[t]! + gamma * following;
  return returns;
}

/** Whitens values over the whole batch. All 0 for fewer than two. `[n] → [n]` */
export function whiten(values: readonly number[]): number[] {
  if (values.length < 2) return values.map(() => 0);
  const centre = mean(values);
  let squares = 0;
  for (const value of values) squares += (value - centre) ** 2;
  const scale = 1 / Math.sqrt(squares / (values.length - 1) + 1e-8);
  return values.map((value) => (value - centre) * scale);
}
