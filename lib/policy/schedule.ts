import { InputError } from "../base/index.js";

/** How the learning rate moves over a run. Steps are optimiser steps. */
export interface Schedule {
  /** `linear` and `cosine` fall from the peak to `floor × peak` at `steps`; `constant` stays. */
  readonly kind: "constant" | "linear" | "cosine";
  /** Steps over which the rate rises linearly from 0 to its peak. Default 0. */
  readonly warmUp?: number;
  /** The run's length, needed by `linear` and `cosine`. */
  readonly steps?: number;
  /** The lowest rate as a share of the peak, in [0, 1]. Default 0. */
  readonly floor?: number;
}

/**
 * The factor by which the peak rate is multiplied in the step numbered from 1.
 * Warm-up gives `step / warmUp`, so that the first step already learns and step `warmUp` has the whole rate.
 */
export function scheduleFactor(schedule: Schedule, step: number): number {
  const { kind, warmUp = 0, steps, floor = 0 } = schedule;
  if (step < warmUp) return step / warmUp;
  if (kind === "constant") return 1;
  if (steps === undefined || steps <= warmUp) {
    throw new InputError(
      `A ${kind} schedule needs its number of steps, more than the ${warmUp} of its warm-up.`,
    );
  }
  const progress = Math.min(1, (step - warmUp) / (steps - warmUp));
  const share = kind === "linear" ? 1 - progress : 0.5 * (1 + cosPi(progress));
  return floor + (1 - floor) * share;
}

/**
 * cos(πx) for x in [0, 1] by its Taylor series about ½. `Math.cos` may differ in the last bit from one JavaScript
 * engine to the next; sums and products do not, and a learning rate touches every number after it.
 */
function cosPi(x: number): number {
  const y = (x - 0.5) * Math.PI;
  let term = -y;
  let sum = term;
  for (let k = 3; k <= 25; k += 2) {
    term *= (-y * y) / (k * (k - 1));
    sum += term;
  }
  return sum;
}
