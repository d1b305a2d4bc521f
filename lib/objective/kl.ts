/**
 * Estimators of KL(π ‖ π_ref) at one sampled token, with their derivatives by log π.
 * d = log π − log π_ref. Schulman 2020, "Approximating KL divergence".
 */
import type { KlTerm } from "./settings.js";

/** Far beyond any trained policy, and still finite after exp. */
const LARGEST_EXPONENT = 20;

/** The estimate and its derivative by the current log-probability. Where the value is cut, the derivative is 0. */
export function klAt(
  term: Pick<KlTerm, "estimator" | "clamp">,
  logProb: number,
  refLogProb: number,
): { value: number; gradient: number } {
  const d = logProb - refLogProb;
  let value: number;
  let gradient: number;
  if (term.estimator === "k1") [value, gradient] = [d, 1];
  else if (term.estimator === "k2") [value, gradient] = [(d * d) / 2, d];
  else {
    const exponent = Math.min(LARGEST_EXPONENT, Math.max(-LARGEST_EXPONENT, -d));
    const ratio = Math.exp(exponent);
    [value, gradient] = [ratio + d - 1, exponent === -d ? 1 - ratio : 1];
  }
  return term.clamp !== undefined && value > term.clamp
    ? { value: term.clamp, gradient: 0 }
    : { value, gradient };
}
