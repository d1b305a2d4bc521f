/** The importance ratio ρ = π/π_old, and a token's loss from it and the advantage, with the clip: values beside derivatives by log π. */
import type { Clip, ObjectiveConfig, RatioLevel } from "./settings.js";

const LARGEST_TOKEN_EXPONENT = 20;
/** GSPO's reference code cuts the sequence's exponent at 10. */
const LARGEST_SEQUENCE_EXPONENT = 10;

/**
 * The ratio at each token and its derivative by that token's log-probability. `[t], [t] → [t], [t]`
 *
 * - "token": ρ_t = exp(lp_t − old_t).
 * - "sequence": s = exp(mean_t(lp_t − old_t)) at every token; the gradient flows as if each token carried s on
 *   its own, s_t = sg[s]·exp(lp_t − sg[lp_t]) (Zheng et al. 2025, arXiv:2507.18071, eq. 13: GSPO-token), so that
 *   with a token mean the response's gradient is that of s.
 * - "none": ρ = 1 with no derivative.
 */
export function ratios(
  level: RatioLevel,
  logProbs: readonly number[],
  oldLogProbs: readonly number[],
): { ratio: number[]; gradient: number[] } {
  if (level === "none") return { ratio: logProbs.map(() => 1), gradient: logProbs.map(() => 0) };
  if (level === "token") {
    const ratio: number[] = [];
    const gradient: number[] = [];
    logProbs.forEach((logProb, t) => {
      const difference = logProb - oldLogProbs[t]!;
      const exponent = Math.min(LARGEST_TOKEN_EXPONENT, Math.max(-LARGEST_TOKEN_EXPONENT, difference));
      ratio.push(Math.exp(exponent));
      gradient.push(exponent === difference ? ratio[t]! : 0);
    });
    return { ratio, gradient };
  }
  let sum = 0;
  logProbs.forEach((logProb, t) => (sum += logProb - oldLogProbs[t]!));
  const s = Math.exp(Math.min(LARGEST_SEQUENCE_EXPONENT, sum / logProbs.length));
  return { ratio: logProbs.map(() => s), gradient: logProbs.map(() => s) };
}

export interface TokenLoss {
  readonly value: number;
  /** Derivative by the token's current log-probability. */
  readonly gradient: number;
  /** The clip decided the value: "low", "high", "dual", or not at all. */
  readonly clipped: "low" | "high" | "dual" | null;
}

/**
 * PPO's clipped surrogate, −min(ρA, clip(ρ, 1−ε_low, 1+ε_high)·A), with the dual clip min(·, −cA) for A < 0
 * (Schulman et al. 2017, arXiv:1707.06347, eq. 7; Ye et al. 2020, arXiv:1912.09729, eq. 5).
 * `ratioGradient` is dρ/d log π.
 */
export function clippedSurrogate(
  ratio: number,
  ratioGradient: number,
  advantage: number,
  clip: Clip | null,
): TokenLoss {
  const free = -ratio * advantage;
  if (clip === null) return { value: free, gradient: -ratioGradient * advantage, clipped: null };
  if (clip.dual !== undefined && advantage < 0 && ratio > clip.dual) {
    return { value: -clip.dual * advantage, gradient: 0, clipped: "dual" };
  }
  if (advantage > 0 && ratio > 1 + clip.high) {
    return { value: -(1 + clip.high) * advantage, gradient: 0, clipped: "high" };
  }
  if (advantage < 0 && ratio < 1 - clip.low) {
    return { value: -(1 - clip.low) * advantage, gradient: 0, clipped: "low" };
  }
  return { value: free, gradient: -ratioGradient * advantage, clipped: null };
}

/**
 * CISPO: the clipped ratio is a constant weight on −A·log π, so a clipped token still has a gradient
 * (MiniMax 2025, arXiv:2506.13585, eq. 4).
 */
export function detachedSurrogate(
  ratio: number,
  logProb: number,
  advantage: number,
  clip: Clip | null,
): TokenLoss {
  const bounded = clip === null ? ratio : Math.min(1 + clip.high, Math.max(1 - clip.low, ratio));
  const clipped = bounded < ratio ? "high" : bounded > ratio ? "low" : null;
  return { value: -bounded * advantage * logProb, gradient: -bounded * advantage, clipped };
}

/** REINFORCE: −A·log π; equal in gradient to PPO's surrogate on the policy that sampled. */
export function reinforce(logProb: number, advantage: number): TokenLoss {
  return { value: -advantage * logProb, gradient: -advantage, clipped: null };
}

/** The token loss that a configuration names. */
export function tokenLoss(
  config: Pick<ObjectiveConfig, "ratio" | "surrogate" | "clip">,
  ratio: number,
  ratioGradient: number,
  logProb: number,
  advantage: number,
): TokenLoss {
  if (config.ratio === "none") return reinforce(logProb, advantage);
  return config.surrogate === "detached"
    ? detachedSurrogate(ratio, logProb, advantage, config.clip)
    : clippedSurrogate(ratio, ratioGradient, advantage, config.clip);
}
