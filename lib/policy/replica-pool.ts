/** Who computes for the policy: this thread, or several worker threads with a replica each. */
import type { Loss, TokenScores } from "../objective/index.js";
import type { Bundle } from "./pack.js";
import type { Inspection } from "./inspect.js";
import type { GradientOptions, GradientResult, ScoreOptions } from "./scores.js";
import type { Sample, SampledToken, SampleOptions, SampleRequest } from "./sampling/types.js";

/** Bundles that go through the model at once, and the loss over their completions. */
export interface MicroBatch {
  readonly bundles: readonly Bundle[];
  readonly loss: Loss;
  readonly options: GradientOptions;
}

/** The gradient of one micro-batch, finished. */
export interface BatchGradient extends GradientResult {
  readonly batch: number;
  /** Valid until the next one is handed over. */
  readonly gradient: Float32Array;
}

/** One replica on this thread (`Replica`), or several, each in a worker thread (`WorkerPool`). */
export interface ReplicaPool {
  /** Replicas that can work at the same time. */
  readonly size: number;
  /** Scores batches; results in their order. `version` says which weights. */
  score(
    batches: readonly (readonly Bundle[])[],
    version: number,
    options: ScoreOptions,
  ): Promise<TokenScores[][]>;
  /** Differentiates micro-batches, and hands over each gradient in their order, whichever is finished first. */
  gradients(
    batches: readonly MicroBatch[],
    version: number,
    take: (result: BatchGradient) => void,
  ): Promise<void>;
  /** Samples every request; `[request][sample]`. */
  sample(requests: readonly SampleRequest[], version: number, options: SampleOptions): Promise<Sample[][]>;
  /** Samples on one replica, handing over each token as it is drawn. */
  stream(
    requests: readonly SampleRequest[],
    version: number,
    options: SampleOptions,
  ): AsyncGenerator<SampledToken, void, void>;
  /** Looks inside one replica. */
  inspect(ids: readonly number[], version: number, adapter: "on" | "off"): Promise<Inspection>;
  dispose(): Promise<void>;
}
