/**
 * Generalised advantage estimation, for PPO with a value head.
 *
 *   δ_t = r_t + γ V_{t+1} − V_t,    A_t = δ_t + γ λ A_{t+1},    return_t = A_t + V_t
 *
 * Schulman et al. 2016, arXiv:1506.02438, eq. 11 and 16. V after the last step is 0: episodes end.
 */
export interface GaeOptions {
  readonly gamma: number;
  readonly lambda: number;
}

/** Advantages and value targets of one sequence. Rewards and values are `[t]`, so are the results. */
export function generalisedAdvantages(
  rewards: readonly number[],
  values: readonly number[],
  { gamma, lambda }: GaeOptions,
): { advantages: number[]; returns: number[] } {
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
  return { advantages, returns: advantages.map((advantage, t) => advantage + values[t]!) };
}
