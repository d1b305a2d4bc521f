/** What is asked of a replica and what it answers. */

/** A completion's tokens as the model sees them. */
export interface CompletionScores {
  /** Log-probability of each token under the tempered distribution, in nats. */
  readonly logProbs: readonly number[];
  /** Entropy in nats of the tempered distribution that each token was drawn from. */
  readonly entropies: readonly number[];
  /** The last layer's normalised output just before the first scored token, where it was asked for. `[d]` */
  readonly state?: readonly number[];
}

/** `[row][completion]` */
export type Scores = readonly (readonly CompletionScores[])[];

/** What an objective makes of scores: its value, and how it moves with each token's log-probability and entropy. */
export interface Slopes {
  readonly loss: number;
  /** dL / d log-probability. `[row][completion][token]` */
  readonly logProbs: readonly (readonly (readonly number[])[])[];
  /** dL / d entropy; absent when the loss does not depend on it. `[row][completion][token]` */
  readonly entropies?: readonly (readonly (readonly number[])[])[];
}

export interface ScoreOptions {
  /** Logits are divided by it. Default 1. */
  readonly temperature?: number;
  /** `off` scores with the base model: the reference of a KL term. Default `on`. */
  readonly adapter?: "on" | "off";
  /** Hand over the hidden states, too: what a critic reads. Default false. */
  readonly states?: boolean;
}

export interface GradientOptions {
  readonly temperature?: number;
  /**
   * `layer` keeps only each layer's input and computes the rest again on the way back, which bounds memory by one layer;
   * `none` keeps everything and is faster.
   */
  readonly checkpoint: "none" | "layer";
  /** Names the dropout masks of this pass; without it nothing is dropped. */
  readonly dropout?: { readonly names: readonly (string | number)[]; readonly firstRow: number };
}

/** Scores of one micro-batch and the objective's slopes at them. */
export interface GradientResult {
  readonly scores: Scores;
  readonly loss: number;
}
