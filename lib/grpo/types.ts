/**
 * The learner's nouns. This room knows neither shops nor transformers: it is given groups of finished
 * trajectories, and hands back how much each sampled token should become more or less likely.
 */

import type { Sequence } from "../objective/index.js";

/** One decision of the policy: the tokens it was shown, the tokens it sampled, and what followed. */
export interface Turn {
  readonly promptIds: readonly number[];
  /** How many of the prompt's first tokens other turns begin with, too; equal ones are then computed once. Default: none. */
  readonly sharedTokens?: number;
  /** Sampled ids, kept as they were sampled: never decoded and encoded again. */
  readonly responseIds: readonly number[];
  /** Which of the response's tokens were sampled, where others were given. Default: all. `[response]` */
  readonly scored?: readonly boolean[];
  /** Log-probability of each sampled token under the behaviour policy (tempered as it was sampled). `[sampled]` */
  readonly oldLogProbs: readonly number[];
  /** The environment's reward for this step, before any penalty. */
  readonly reward: number;
  /** The response had the form that was asked for. */
  readonly formatValid: boolean;
  /** The action was one that the environment offered. */
  readonly admissible: boolean;
  /** The response hit the length limit before it ended. */
  readonly truncated: boolean;
  /** Key of the state in which the decision was made (GiGPO's anchor); turns with one key share a step group. */
  readonly anchor?: string;
}

/** One finished episode of the policy. */
export interface Rollout {
  readonly turns: readonly Turn[];
  /** Undiscounted return R = Σ_t r_t, on the scale that the configuration states. */
  readonly return: number;
  /** The environment's own verdict, for the metrics. */
  readonly success: boolean;
  /** The environment's score in [0, 1], for the metrics. */
  readonly score: number;
}

/** Roll-outs of one task from the same initial state: what a group-relative baseline compares. */
export interface Group {
  /** Names the task; two groups of the same task (the thesis's marginals) are still two baselines. */
  readonly task: string;
  readonly rollouts: readonly Rollout[];
}

/** An advantage for every turn of every roll-out: `[rollout][turn]`. A turn's tokens all receive it. */
export type TurnAdvantages = readonly (readonly number[])[];

/** One training sequence: a prompt, its sampled response, and the weight that the algorithm gave it. */
export interface Row extends Pick<Sequence, "promptIds" | "responseIds" | "scored" | "sharedTokens"> {
  /** `[sampled]` */
  readonly oldLogProbs: readonly number[];
  /** `[sampled]`; absent when no KL term asks for them. */
  readonly refLogProbs?: readonly number[];
  /** One advantage for each sampled token. `[sampled]` */
  readonly advantages: readonly number[];
  /** False leaves the row out of the loss and of every denominator (truncated or masked rows). */
  readonly counted: boolean;
  /** Which group the row came from (`prompt-mean` aggregation). */
  readonly group: number;
  /** Which roll-out of the batch the row came from (`rollout-mean-token-mean` aggregation). */
  readonly rollout: number;
  /** The task that the row came from, for messages. */
  readonly task?: string;
  /** Position, among the rows of the iteration, of the row whose probability multiplies this row's loss (the thesis's query loss). */
  readonly weightedBy?: number;
}

/** Plain numbers under the names of docs/metrics.md. */
export type Metrics = Record<string, number>;
