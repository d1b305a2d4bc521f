/**
 * REINFORCE++: no group, one baseline for the whole batch.
 *
 *   G_t = r_t + γ G_{t+1},    A = (G − mean_batch) · 1/√(var_batch + 1e-8)
 *
 * over all counted tokens, variance with Bessel's correction. The "-baseline" variant first subtracts the
 * group's mean from the score and gives every token of the roll-out the result. Hu 2025, arXiv:2501.03262.
 */
/** Running returns of one sequence of rewards. `[t] → [t]` */
export function discountedReturns(rewards: readonly number[], gamma: number): number[] {
  const returns = new Array<number>(rewards.length);
  let following = 0;
  for (let t = rewards.length - 1; t >= 0; t--) returns[t] = following = rewards[t]! + gamma * following;
  return returns;
}

/**
 * Whitens values over the whole batch, each repeated as often as `weights` says (tokens of a turn).
 * `[n], [n] → [n]`
 */
export function whiten(
  values: readonly number[],
  weights: readonly number[] = values.map(() => 1),
): number[] {
  let count = 0;
  let sum = 0;
  values.forEach((value, i) => {
    count += weights[i]!;
    sum += weights[i]! * value;
  });
  if (count < 2) return values.map(() => 0);
  const centre = sum / count;
  let squares = 0;
  values.forEach((value, i) => (squares += weights[i]! * (value - centre) ** 2));
  const scale = 1 / Math.sqrt(squares / (count - 1) + 1e-8);
  return values.map((value) => (value - centre) * scale);
}
