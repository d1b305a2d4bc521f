/** Who computes for the policy: this thread, or several worker threads with a replica each. */
import type { Loss, TokenScores } from "../objective/index.js";
import type { Bundle } from "./pack.js";
import type { Inspection } from "./inspect.js";
import type { Replica } from "./replica.js";
import type { GradientOptions, GradientResult, ScoreOptions } from "./scores.js";
import { collect } from "./sampling/collect.js";
import type { Sample, SampledToken, SampleOptions, SampleRequest } from "./sampling/types.js";

/** Bundles that go through the model at once, and the loss over their completions. */
export interface MicroBatch {
  readonly bundles: readonly Bundle[];
  readonly loss: Loss;
  /** Whether its layers are computed again on the way back, whatever the options say. */
  readonly recompute?: boolean;
}

/** How gradients of several batches are taken. */
export interface BatchGradientOptions extends Omit<GradientOptions, "dropout"> {
  readonly dropout?: { readonly names: readonly (string | number)[] };
}

/** The gradient of one micro-batch, finished. */
export interface BatchGradient extends GradientResult {
  readonly batch: number;
  /** Valid until the next one is handed over. */
  readonly gradient: Float32Array;
}

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
    options: BatchGradientOptions,
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

/** The options of each batch: dropout masks are named after a bundle's position among all bundles. */
export function optionsOf(batches: readonly MicroBatch[], options: BatchGradientOptions): GradientOptions[] {
  const { dropout, ...rest } = options;
  let next = 0;
  return batches.map(({ bundles, recompute }) => {
    const firstBundle = next;
    next += bundles.length;
    const own = recompute ? { ...rest, checkpoint: "layer" as const } : rest;
    return { ...own, ...(dropout ? { dropout: { ...dropout, firstBundle } } : {}) };
  });
}

/** Runs tasks one after another, in the order in which they are added; the next one runs also when one fails. */
export class Queue {
  private last: Promise<unknown> = Promise.resolve();

  add<T>(task: () => Promise<T>): Promise<T> {
    const result = this.last.then(task, task);
    this.last = result;
    return result;
  }
}

/** One replica on this thread. */
export class LocalPool implements ReplicaPool {
  readonly size = 1;
  private readonly scratch: Float32Array;
  /** One piece of work at a time: an update must not take the weights away under a sample. */
  private readonly queue = new Queue();

  constructor(
    readonly replica: Replica,
    trained: number,
  ) {
    this.scratch = new Float32Array(trained);
  }

  score(
    batches: readonly (readonly Bundle[])[],
    version: number,
    options: ScoreOptions,
  ): Promise<TokenScores[][]> {
    return this.queue.add(async () => {
      this.replica.sync(version);
      const scores: TokenScores[][] = [];
      for (const bundles of batches) scores.push(await this.replica.score(bundles, options));
      return scores;
    });
  }

  gradients(
    batches: readonly MicroBatch[],
    version: number,
    options: BatchGradientOptions,
    take: (result: BatchGradient) => void,
  ): Promise<void> {
    const own = optionsOf(batches, options);
    const gradient = this.scratch;
    return this.queue.add(async () => {
      this.replica.sync(version);
      for (const [batch, { bundles, loss }] of batches.entries()) {
        const result = await this.replica.gradients(bundles, loss, gradient, own[batch]!);
        take({ batch, ...result, gradient });
      }
    });
  }

  sample(requests: readonly SampleRequest[], version: number, options: SampleOptions): Promise<Sample[][]> {
    return this.queue.add(() => collect(requests, this.stream(requests, version, options)));
  }

  stream(
    requests: readonly SampleRequest[],
    version: number,
    options: SampleOptions,
  ): AsyncGenerator<SampledToken, void, void> {
    this.replica.sync(version);
    return this.replica.generate(requests, options);
  }

  inspect(ids: readonly number[], version: number, adapter: "on" | "off"): Promise<Inspection> {
    return this.queue.add(() => {
      this.replica.sync(version);
      return this.replica.inspect(ids, adapter);
    });
  }

  dispose(): Promise<void> {
    return this.queue.add(() => Promise.resolve(this.replica.dispose()));
  }
}
