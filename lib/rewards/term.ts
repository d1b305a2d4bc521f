/**
 * A reward term: one named part of what a policy is trained on. A configuration adds terms up, and each is logged separately
 * (`reward/<name>`), so that a rising sum cannot hide which part rose.
 */
import { z } from "zod";

/** How an episode ended, by the shop's own reward. */
export interface Outcome {
  /** The environment's reward of a step, from 0 to 1; the last step of a purchase has the whole score. */
  readonly score: number;
}

/** One decision of the policy, whatever it led to. */
export interface Decision {
  /** The response had the form that was asked for. */
  readonly formatValid: boolean;
  /** The action was one that the environment offered. */
  readonly admissible: boolean;
  /** The response hit the length limit before it ended. */
  readonly truncated: boolean;
  /** Tokens of the response, and how many it may have. */
  readonly tokens: number;
  readonly maxTokens: number;
}

/**
 * A term by its name in a configuration. A term of the outcome is part of the return, and reaches every decision that led to
 * it; a term of a decision stays in that decision's own row: earlier rows neither earn nor pay for it.
 */
export type RewardTerm<Settings extends object = object> = {
  readonly name: string;
  readonly settings: z.ZodType<Settings>;
} & (
  | { readonly of: "outcome"; value(outcome: Outcome, settings: Settings): number }
  | { readonly of: "decision"; value(decision: Decision, settings: Settings): number }
);

/** Multiplies a term. Without division by a standard deviation it multiplies the learning rate. */
export const weight = z.number().positive().default(1);
