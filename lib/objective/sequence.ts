/** One sequence to score or to learn from: a prompt, and a response whose tokens are scored. */
export interface Sequence {
  readonly promptIds: readonly number[];
  readonly responseIds: readonly number[];
  /**
   * Which of the response's tokens are scored, one flag a token, at least one of them true; all when absent. Scores and gradients
   * are then of the scored tokens alone, in order: the others cost no logits and little of the last layer.
   */
  readonly scored?: readonly boolean[];
  /** How many of the prompt's first tokens other sequences begin with, too; equal ones are then computed once. Default: none. */
  readonly sharedTokens?: number;
  /** Only sequences with an equal key share a prompt that they have in common. Default: all without a key do. */
  readonly packWith?: number | string;
}

/** The scored tokens of a sequence as the model sees them. */
export interface TokenScores {
  /** Log-probability of each token under the tempered distribution, in nats. */
  readonly logProbs: readonly number[];
  /** Entropy in nats of the tempered distribution that each token was drawn from. */
  readonly entropies: readonly number[];
  /** The last layer's normalised output just before the first scored token, where it was asked for. `[d]` */
  readonly state?: readonly number[];
}
