/** Whoever does the policy's work: this thread, or several worker threads with a replica each. */
import type { Inspection } from "./inspect.js";
import type { Replica } from "./replica.js";
import type { CompletionScores, GradientOptions, ScoreOptions, Scores, Slopes } from "./scores.js";
import type { Row } from "./rows.js";
import { collect } from "./sampling/collect.js";
import type { Sample, SampledToken, SampleOptions, SampleRequest } from "./sampling/types.js";

export type { CompletionScores, Scores, Slopes };

/** What an objective makes of one micro-batch: its index, its rows' scores in, slopes out. */
export type BatchObjective = (batch: number, scores: Scores) => Slopes | Promise<Slopes>;

/** How gradients of several batches are taken. */
export interface BatchGradientOptions extends Omit<GradientOptions, "dropout"> {
  readonly dropout?: { readonly names: readonly (string | number)[] };
}

/** The gradient of one micro-batch, finished. */
export interface BatchGradient {
  readonly batch: number;
  readonly loss: number;
  readonly scores: Scores;
  /** Valid until the next one is handed over. */
  readonly gradient: Float32Array;
}

export interface Crew {
  /** Replicas that can work at the same time. */
  readonly size: number;
  /** Scores batches; results in their order. `version` says which weights. */
  score(batches: readonly (readonly Row[])[], version: number, options: ScoreOptions): Promise<Scores[]>;
  /** Differentiates micro-batches; asks the objective in their order and hands over each gradient in their order, whoever finishes first. */
  gradients(
    batches: readonly (readonly Row[])[],
    version: number,
    objective: BatchObjective,
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

/** The position, among all rows, of each batch's first row. */
export function firstRows(batches: readonly (readonly Row[])[]): number[] {
  let next = 0;
  return batches.map((rows) => (next += rows.length) - rows.length);
}

/** The options of one batch: dropout masks are named after a row's position among all rows. */
export function optionsFor(options: BatchGradientOptions, firstRow: number): GradientOptions {
  const { dropout, ...rest } = options;
  return { ...rest, ...(dropout ? { dropout: { ...dropout, firstRow } } : {}) };
}

/** Does things one after another, in the order in which they are added; a failure holds nobody up. */
export class Queue {
  private last: Promise<unknown> = Promise.resolve();

  add<T>(task: () => Promise<T>): Promise<T> {
    const result = this.last.then(task, task);
    this.last = result;
    return result;
  }
}

/** One replica on this thread. */
export class LocalCrew implements Crew {
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

  score(batches: readonly (readonly Row[])[], version: number, options: ScoreOptions): Promise<Scores[]> {
    return this.queue.add(async () => {
      this.replica.sync(version);
      const scores: Scores[] = [];
      for (const rows of batches) scores.push(await this.replica.score(rows, options));
      return scores;
    });
  }

  gradients(
    batches: readonly (readonly Row[])[],
    version: number,
    objective: BatchObjective,
    options: BatchGradientOptions,
    take: (result: BatchGradient) => void,
  ): Promise<void> {
    const first = firstRows(batches);
    const gradient = this.scratch;
    return this.queue.add(async () => {
      this.replica.sync(version);
      for (const [batch, rows] of batches.entries()) {
        const evaluate = (scores: Scores): Slopes | Promise<Slopes> => objective(batch, scores);
        const chosen = optionsFor(options, first[batch]!);
        take({ batch, ...(await this.replica.gradients(rows, evaluate, gradient, chosen)), gradient });
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
