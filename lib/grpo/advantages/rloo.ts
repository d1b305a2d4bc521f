/**
 * RLOO: the baseline of a roll-out is the mean of the others.
 *
 *   A_i = R_i − (1/(n−1)) Σ_{j≠i} R_j  =  n/(n−1) · (R_i − mean_j R_j)
 *
 * Ahmadian et al. 2024, arXiv:2402.14740, §2.3 (after Kool et al. 2019).
 */
import { requireGroup } from "./group-relative.js";
import { mean } from "./statistics.js";

/** Leave-one-out advantages of one group's scores. `[n] → [n]` @throws InputError for fewer than two. */
export function leaveOneOut(scores: readonly number[]): number[] {
  requireGroup(scores);
  const centre = mean(scores);
  const n = scores.length;
  return scores.map((score) => (n / (n - 1)) * (score - centre));
}
