/** Requests to a replica and its answers. */
import { RunError } from "../base/index.js";
import type { LossValue, TokenScores } from "../objective/index.js";

/** A loss or a gradient that is not finite: the batch is kept for inspection. */
export class NotFinite extends RunError {}

/** How a replica scores. */
export interface ScoreOptions {
  /** Logits are divided by it. Default 1. */
  readonly temperature?: number | undefined;
  /** `off` scores with the base model. Default `on`. */
  readonly adapter?: "on" | "off" | undefined;
  /** Hand over the hidden states, too: what a critic reads. Default false. */
  readonly states?: boolean | undefined;
}

export interface GradientOptions {
  readonly temperature?: number | undefined;
  /**
   * `layer` keeps only each layer's input and computes the rest again in the backward pass, which bounds memory by one layer;
   * `none` keeps everything and is faster.
   */
  readonly checkpoint: "none" | "layer";
  /** Names the dropout masks of this pass; without it nothing is dropped. */
  readonly dropout?: { readonly names: readonly (string | number)[]; readonly firstBundle: number };
}

/** One micro-batch, scored and differentiated. Scores are in the order of its packed completions. */
export interface GradientResult {
  readonly scores: readonly TokenScores[];
  readonly loss: number;
  /** The loss's sums for the metrics. */
  readonly sums: LossValue["sums"];
  /** Milliseconds that the loss itself took, beside the model. */
  readonly lossTime: number;
}
