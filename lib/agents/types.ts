import type { Random } from "../base/index.js";
import type { Environment, RewardParts } from "../simulator/index.js";

/** One step of an episode: what was seen, what was done, and the reward that followed. */
export interface Step {
  readonly observation: string;
  readonly action: string;
  readonly reward: number;
  /** False when the shop could not follow the action. */
  readonly valid: boolean;
}

/** What a language model was asked for. */
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
  /** What the episode took from a model whose answers are counted; absent for every other agent. */
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
   * Where the model runs elsewhere: episodes worth playing at once. Each finished one is then kept at once, because it has cost
   * time and perhaps money. Absent: one at a time, here.
   */
  readonly remote?: { readonly concurrency: number };
  /**
   * Where the model is here and answers many questions in one pass: episodes worth playing at once. What they become does not
   * depend on it. Absent: one at a time.
   */
  readonly together?: number;
  /** Plays one episode. All chance comes from `random`, so the same stream gives the same trajectory. */
  play(environment: Environment, goal: number, random: Random): Trajectory | Promise<Trajectory>;
}
