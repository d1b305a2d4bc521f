import type { Random } from "../base/index.js";
import type { Environment, RewardParts } from "../simulator/index.js";
import type { Message } from "./prompts/index.js";

/** One step of an episode: what was seen, what was done, and the reward that followed. */
export interface Step {
  readonly observation: string;
  readonly action: string;
  readonly reward: number;
  /** False when the shop could not follow the action. */
  readonly valid: boolean;
}

/** A token of an answer and how likely it was, with the sampling temperature. */
export interface AnswerToken {
  readonly text: string;
  readonly probability: number;
}

/** A decision that was asked for: the question, the answer, and how it was taken. */
export interface Decision {
  /** A search query, a choice among results, the value of an option, or an action on a page. */
  readonly task: "query" | "select" | "option" | "act";
  /** Position among the episode's steps of the first that followed from it; beyond the last where none did. */
  readonly step: number;
  /** The question, as a language model gets it. */
  readonly prompt: readonly Message[];
  /** The answer, word for word. */
  readonly answer: string;
  /** Absent where it was not counted. */
  readonly promptTokens?: number;
  readonly completionTokens?: number;
  /** Of our own models. */
  readonly tokens?: readonly AnswerToken[];
  /** The answer had the form that was asked for. */
  readonly formatValid: boolean;
  /** The shop offered what was answered. */
  readonly admissible: boolean;
  /** The action taken is the most similar one that the page offered, not the one that was said. */
  readonly repaired: boolean;
  /** The answer was cut off at the limit of its length. */
  readonly truncated: boolean;
  /** Why there was no answer, e.g. that the model refused: the episode ends here, with nothing bought. */
  readonly failed?: string;
}

/** Requests to a language model, and their tokens. */
export interface Usage {
  /** Answers that were used; an attempt that failed is not counted. */
  readonly requests: number;
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** A played episode. */
export interface Trajectory {
  /** Goal index. */
  readonly goal: number;
  readonly agent: string;
  readonly steps: readonly Step[];
  /** Final reward in [0, 1]; 0 when nothing was bought. */
  readonly reward: number;
  /** Null when nothing was bought. */
  readonly parts: RewardParts | null;
  /** Questions and answers, in order; absent for agents that follow rules of their own. */
  readonly decisions?: readonly Decision[];
  /** Requests and tokens of the model in the episode, where they are counted; absent for every other agent. */
  readonly usage?: Usage;
}

/** A way of acting in the shop. */
export interface Agent {
  /** As it is named on the command line and in tables. */
  readonly name: string;
  /** Everything that a run record must hold to repeat it. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The language model that acts, where there is one: a run record is keyed by its fingerprint and backend too. */
  readonly model?: { readonly name: string; readonly fingerprint: string; readonly backend: string };
  /**
   * Where the model runs elsewhere: the number of episodes that are played concurrently. Each finished one is then kept at once, because it has cost
   * time and perhaps money. Absent: one at a time, here.
   */
  readonly remote?: { readonly concurrency: number };
  /**
   * Where the model is here and answers many questions in one pass: the number of episodes that are played concurrently. What they become does not
   * depend on it. Absent: one at a time.
   */
  readonly together?: number;
  /** Gives back what the agent holds, where it holds a model. */
  readonly dispose?: () => Promise<void>;
  /** Plays one episode. All chance comes from `random`, so the same stream gives the same trajectory. */
  play(environment: Environment, goal: number, random: Random): Trajectory | Promise<Trajectory>;
}
