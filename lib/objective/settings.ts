/** The one objective of which every algorithm here is a setting (docs/objective.md). */

/** At which level the importance ratio is taken: not at all, for each token, or for the whole response (GSPO). */
export type RatioLevel = "none" | "token" | "sequence";

/** Where the clip bounds the ratio. */
export interface Clip {
  /** ε_low: the ratio is clipped below at 1 − low. */
  readonly low: number;
  /** ε_high: the ratio is clipped above at 1 + high (DAPO's clip-higher sets it above low). */
  readonly high: number;
  /** Dual clip c > 1: with a negative advantage the loss never exceeds −c·A. Absent: off. */
  readonly dual?: number;
}

/** How token losses become one number; every denominator is that of the whole mini-batch. */
export type Aggregation =
  | "token-mean"
  | "seq-mean-token-mean"
  | "seq-mean-token-sum"
  | "prompt-mean"
  /** Mean over roll-outs of the sum, over a roll-out's rows, of the row's token mean (the thesis: query + selection). */
  | "rollout-mean-token-mean"
  /** Mean over sequences of the token sum over a constant length (Dr.GRPO). */
  | { readonly constant: number };

export interface KlTerm {
  /** k1 = d, k2 = d²/2, k3 = e^(−d) + d − 1 with d = log π − log π_ref (Schulman 2020, "Approximating KL divergence"). */
  readonly estimator: "k1" | "k2" | "k3";
  /** β. */
  readonly coefficient: number;
  /** Added to the loss, or taken from the reward of each token. */
  readonly where: "loss" | "reward";
  /** Each token's value is cut to at most this (the thesis: 50; verl: 10). Absent: not cut. */
  readonly clamp?: number;
}

export interface ObjectiveConfig {
  readonly ratio: RatioLevel;
  /**
   * "clipped": −min(ρA, clip(ρ)A), PPO's; "detached": −sg[clip(ρ)]·A·log π, CISPO's. Without a ratio both are
   * REINFORCE, −A·log π.
   */
  readonly surrogate: "clipped" | "detached";
  /** Null leaves the ratio unclipped. */
  readonly clip: Clip | null;
  readonly aggregation: Aggregation;
  readonly kl: KlTerm | null;
  /** c in L −= c·H. */
  readonly entropy: number;
}
