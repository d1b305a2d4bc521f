import { RunError } from "../../base/index.js";

/**
 * Exponentials for sampling, of numbers that are at most 0. `Math.exp` is a call for every entry of the vocabulary and
 * may differ in the last bit between JavaScript engines; this is sums and products, the same everywhere and several times
 * as fast. Cody & Waite's reduction `z = k ln 2 + r`, then Taylor's series of degree 12 for |r| ≤ ln 2 / 2: error below 1e-15.
 */

const LOG2_E = 1.4426950408889634;
/** ln 2 in two parts, the first with zeros at its end, so that `k · LN2_HIGH` is exact. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
/** 2^-k for k = 0, 1, …; what is smaller counts as nothing. */
const POWERS = Float64Array.from({ length: 1024 }, (_, k) => 2 ** -k);
const SMALLEST = -700;

/** e^z for z ≤ 0; 0 below e^-700. */
export function exp(z: number): number {
  if (!(z > SMALLEST)) return 0;
  const k = Math.floor(0.5 - z * LOG2_E);
  const r = z + k * LN2_HIGH + k * LN2_LOW;
  let p = 1 / 479001600;
  p = p * r + 1 / 39916800;
  p = p * r + 1 / 3628800;
  p = p * r + 1 / 362880;
  p = p * r + 1 / 40320;
  p = p * r + 1 / 5040;
  p = p * r + 1 / 720;
  p = p * r + 1 / 120;
  p = p * r + 1 / 24;
  p = p * r + 1 / 6;
  p = p * r + 0.5;
  p = p * r + 1;
  p = p * r + 1;
  return p * POWERS[k]!;
}

/**
 * `weights[i] = e^((logits[i] − top) · inverse)` with the largest logit as `top`.
 * @returns `top`, the weights' sum, and `moment`, the sum of each weight times its exponent
 */
export function exponentials(
  logits: Float32Array,
  inverse: number,
  weights: Float64Array,
): { top: number; sum: number; moment: number } {
  let top = -Infinity;
  for (let i = 0; i < logits.length; i++) if (logits[i]! > top) top = logits[i]!;
  let sum = 0;
  let moment = 0;
  for (let i = 0; i < logits.length; i++) {
    const z = (logits[i]! - top) * inverse;
    const w = exp(z);
    weights[i] = w;
    sum += w;
    moment += w * z;
  }
  if (Number.isNaN(moment)) moment = carefulMoment(logits, top, inverse);
  return { top, sum, moment };
}

/** For logits of −∞, which add nothing. @throws RunError when a logit is not a number or +∞. */
function carefulMoment(logits: Float32Array, top: number, inverse: number): number {
  let moment = 0;
  for (const logit of logits) {
    if (Number.isNaN(logit) || !Number.isFinite(top)) {
      throw new RunError("The model's logits are not finite: its weights have diverged.");
    }
    if (logit > -Infinity) moment += exp((logit - top) * inverse) * (logit - top) * inverse;
  }
  return moment;
}
