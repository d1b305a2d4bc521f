/** Importance ratios ρ = π/π_old of a response's tokens. */
import type { RatioLevel } from "./settings.js";

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
