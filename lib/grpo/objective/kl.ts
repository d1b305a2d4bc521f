/**
 * Estimators of KL(π ‖ π_ref) at one sampled token, with their derivatives by log π.
 * d = log π − log π_ref. Schulman 2020, "Approximating KL divergence".
 */
import type { KlTerm } from "./config.js";

/** Far beyond any trained policy, and still finite after exp. */
const LARGEST_EXPONENT = 20;

/** The estimate and its derivative by the current log-probability. A cut value no longer pulls: derivative 0. */
export function klAt(
  term: Pick<KlTerm, "estimator" | "clamp">,
  logProb: number,
  refLogProb: number,
): { value: number; slope: number } {
  const d = logProb - refLogProb;
  let value: number;
  let slope: number;
  if (term.estimator === "k1") [value, slope] = [d, 1];
  else if (term.estimator === "k2") [value, slope] = [(d * d) / 2, d];
  else {
    const exponent = Math.min(LARGEST_EXPONENT, Math.max(-LARGEST_EXPONENT, -d));
    const ratio = Math.exp(exponent);
    [value, slope] = [ratio + d - 1, exponent === -d ? 1 - ratio : 1];
  }
  return term.clamp !== undefined && value > term.clamp ? { value: term.clamp, slope: 0 } : { value, slope };
}
