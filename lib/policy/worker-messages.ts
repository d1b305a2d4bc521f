/** What a crew and its worker threads say to each other; plain data, weights through shared memory. */
import type { BackendName } from "../tensor/index.js";
import type { HostWeightsParts } from "./host-weights.js";
import type { GradientOptions, ScoreOptions, Scores, Slopes } from "./scores.js";
import type { Row } from "./rows.js";
import type { Sample, SampleOptions, SampleRequest } from "./sampling/types.js";

/** What a worker is started with. */
export interface WorkerSetup {
  readonly backend: BackendName;
  readonly parts: HostWeightsParts;
}

/** A piece of work; `version` says which weights. */
export type Job =
  | { readonly kind: "score"; readonly rows: readonly Row[]; readonly options: ScoreOptions }
  | { readonly kind: "gradients"; readonly rows: readonly Row[]; readonly options: GradientOptions }
  | {
      readonly kind: "sample";
      readonly requests: readonly SampleRequest[];
      readonly options: SampleOptions;
    };

export type ToWorker =
  | { readonly kind: "job"; readonly version: number; readonly job: Job }
  /** The answer to `scores`; `null` when the objective refused them. */
  | { readonly kind: "slopes"; readonly slopes: Slopes | null };

/** What a job comes to. */
export type JobResult =
  | { readonly kind: "score"; readonly scores: Scores }
  | {
      readonly kind: "gradients";
      readonly scores: Scores;
      readonly loss: number;
      readonly gradient: Float32Array;
    }
  | { readonly kind: "sample"; readonly samples: Sample[][] };

export type FromWorker =
  | { readonly kind: "ready" }
  /** A worker in the middle of a gradient asks what the objective makes of its scores. */
  | { readonly kind: "scores"; readonly scores: Scores }
  | { readonly kind: "done"; readonly result: JobResult }
  | { readonly kind: "failed"; readonly name: string; readonly message: string };
