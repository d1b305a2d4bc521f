/**
 * GRPO and Dr.GRPO: a roll-out is as good as it is better than its own group.
 *
 *   A_i = (R_i − mean_j R_j) / (std_j R_j + ε)        GRPO     (Shao et al. 2024, arXiv:2402.03300, §4.1.2)
 *   A_i =  R_i − mean_j R_j                            Dr.GRPO  (Liu et al. 2025, arXiv:2503.20783, §3.1)
 *
 * The thesis's advantage is the second, with each "marginal" a group of its own.
 */
import { InputError } from "../../base/index.js";
import { deviation, mean } from "./statistics.js";

export interface GroupRelativeOptions {
  /** "group" divides by the group's standard deviation plus epsilon; "none" does not divide. */
  readonly scale: "group" | "none";
  /** Default 1e-6 (verl). */
  readonly epsilon?: number;
  /** Default "sample", n − 1. */
  readonly deviation?: "sample" | "population";
}

/**
 * Advantages of one group's scores. `[n] → [n]`
 * @throws InputError for fewer than two scores: a group of one has no baseline.
 */
export function groupRelative(scores: readonly number[], options: GroupRelativeOptions): number[] {
  requireGroup(scores);
  const centre = mean(scores);
  if (options.scale === "none") return scores.map((score) => score - centre);
  const spread = deviation(scores, options.deviation) + (options.epsilon ?? 1e-6);
  return scores.map((score) => (score - centre) / spread);
}

/** @throws InputError for a group too small to compare with itself, or with a score that is not a number. */
export function requireGroup(scores: readonly number[]): void {
  if (scores.length < 2) {
    throw new InputError(
      `A group-relative advantage needs at least 2 roll-outs in a group, not ${scores.length}: raise the group size.`,
    );
  }
  const bad = scores.findIndex((score) => !Number.isFinite(score));
  if (bad >= 0)
    throw new InputError(`Score ${bad} of a group is ${scores[bad]}: every roll-out needs a finite return.`);
}
