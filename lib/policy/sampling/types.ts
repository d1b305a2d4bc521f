import type { DrawOptions } from "./draw.js";

/** A prompt and how many samples it is to have. */
export interface SampleRequest {
  readonly prompt: readonly number[];
  /** Samples. Default 1. */
  readonly n?: number;
  /** Number of the first sample: 9 goes on after samples 0 to 8. Default 0. */
  readonly first?: number;
  /** The samples' numbers where they do not follow each other, `n` of them; `first` then counts nothing. */
  readonly numbers?: readonly number[];
  /**
   * How many of the prompt's first tokens other requests may begin with, too: equal ones are then computed once for all
   * of them. It saves work and changes nothing but rounding. Default 0.
   */
  readonly shared?: number;
  /**
   * The name of this prompt's random stream, e.g. `["rollout", goal, turn]`. Sample i draws from
   * `stream(seed, ...name, first + i)` (or its own number), whatever else is in the batch.
   */
  readonly name: readonly (string | number)[];
  /** Its chance's seed where it is not the one of all requests. */
  readonly seed?: number | string;
  /**
   * Tokens of the answer that are not drawn, by place; null where one is drawn, as from the end of the list on. They are part of the
   * sample, marked in {@link Sample.scored}, and `maxTokens` counts those that follow the list alone.
   */
  readonly given?: readonly (number | null)[];
  /** Only these token sequences may be produced (constrained decoding); end each with a stop token if it has one. */
  readonly choices?: readonly (readonly number[])[];
}

export interface SampleOptions extends DrawOptions {
  readonly seed: number | string;
  /** Most tokens of a sample. */
  readonly maxTokens: number;
  /** A sample ends with any of these ids, which it keeps. */
  readonly stop?: readonly number[];
  /** `off` samples from the base model. Default `on`. */
  readonly adapter?: "on" | "off";
}

/** Why a sample ended: a stop token, the length limit, or because its choice was complete. */
export type Finish = "stop" | "length" | "choice";

/** One finished sample. */
export interface Sample {
  /** Sampled ids, the stop token included. Keep them; decoding and encoding again may give others. */
  readonly ids: readonly number[];
  /** Which tokens were drawn, where some were given; the numbers of given ones are 0. */
  readonly scored?: readonly boolean[];
  /** Log-probability of each token under the tempered distribution over the whole vocabulary. */
  readonly logProbs: readonly number[];
  /** The same under what was really drawn from: after top-k, top-p and the choices. */
  readonly drawnLogProbs: readonly number[];
  /** Entropy in nats of the tempered distribution that each token was drawn from. */
  readonly entropies: readonly number[];
  readonly finish: Finish;
  /** Index of the choice that was produced, when choices were given. */
  readonly choice?: number;
}

/** One token as it is drawn. */
export interface SampledToken {
  /** Index of the request and of the sample within it. */
  readonly request: number;
  readonly sample: number;
  readonly id: number;
  readonly logProb: number;
  readonly drawnLogProb: number;
  readonly entropy: number;
  /** The token was given, not drawn. */
  readonly given?: true;
  /** Set on a sample's last token. */
  readonly finish?: Finish;
  readonly choice?: number;
}
