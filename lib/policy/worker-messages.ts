/** The messages between a policy and its worker threads; plain data, weights through shared memory. */
import { InputError, messageOf, RunError } from "../base/index.js";
import { type BackendName, OutOfMemory } from "../tensor/index.js";
import type { HostWeightsParts } from "./host-weights.js";
import type { Loss, TokenScores } from "../objective/index.js";
import type { Bundle } from "./pack.js";
import { type GradientOptions, type GradientResult, NotFinite, type ScoreOptions } from "./scores.js";
import type { Sample, SampleOptions, SampleRequest } from "./sampling/types.js";

/** The data that a worker is started with. */
export interface WorkerSetup {
  readonly backend: BackendName;
  readonly parts: HostWeightsParts;
}

/** A piece of work; `version` says which weights. */
export type Job =
  | { readonly kind: "score"; readonly bundles: readonly Bundle[]; readonly options: ScoreOptions }
  | {
      readonly kind: "gradients";
      readonly bundles: readonly Bundle[];
      readonly loss: Loss;
      readonly options: GradientOptions;
      /** The file that registers the loss, where it is not one of this library. */
      readonly module?: string;
    }
  | {
      readonly kind: "sample";
      readonly requests: readonly SampleRequest[];
      readonly options: SampleOptions;
    };

export interface ToWorker {
  readonly version: number;
  readonly job: Job;
}

/** The result of a job. */
export type JobResult =
  | { readonly kind: "score"; readonly scores: TokenScores[] }
  | {
      readonly kind: "gradients";
      readonly result: GradientResult;
      readonly gradient: Float32Array;
    }
  | { readonly kind: "sample"; readonly samples: Sample[][] };

export type FromWorker =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly result: JobResult }
  | ({ readonly kind: "failed" } & Failure);

/** An error as plain data: a thread cannot hand over its kind. */
export interface Failure {
  readonly error: keyof typeof KINDS;
  readonly message: string;
}

/** The kinds of errors that matter on the other side, the particular ones first. */
const KINDS = { OutOfMemory, NotFinite, InputError, RunError };

export function failureOf(error: unknown): Failure {
  const names = Object.keys(KINDS) as (keyof typeof KINDS)[];
  return {
    error: names.find((name) => error instanceof KINDS[name]) ?? "RunError",
    message: messageOf(error),
  };
}

export function errorOf({ error, message }: Failure): Error {
  return new KINDS[error](message);
}
