import { RunError } from "../base/index.js";
import { LocalCrew, type Crew } from "./crew.js";
import type { AdapterFiles, ModelConfig, ModelFiles } from "./files/index.js";
import { HostWeights, type Trained } from "./host-weights.js";
import { Replica, type ScoreOptions, type Scores, type Slopes } from "./replica.js";
import { checkRows, microBatches, type Completion, type Row } from "./rows.js";

/** How a policy is set up. */
export interface PolicyOptions {
  /** A LoRA adapter: read from a folder (`loadAdapter`) or new (`freshAdapter`). */
  readonly adapter?: AdapterFiles;
  /** What updates change. Default: the adapter if there is one, else the whole model. */
  readonly train?: Trained;
  /** Packed tokens that go through the model at once; a longer row goes alone. Default 2048. */
  readonly batchTokens?: number;
}

/** How a gradient is taken. */
export interface PolicyGradientOptions {
  /** Logits are divided by it, as when the tokens were sampled. Default 1. */
  readonly temperature?: number;
  /** `layer` bounds memory by one layer's activations at the price of a second forward pass. Default `none`. */
  readonly checkpoint?: "none" | "layer";
  /** Names the adapter's dropout masks, e.g. `[seed, step]`; without it nothing is dropped. */
  readonly dropout?: readonly (string | number)[];
}

/** Value and slopes of a loss, from the scores of some rows. */
export type Objective<R extends Row> = (rows: readonly R[], scores: Scores) => Slopes;

/** A gradient summed over all rows. */
export interface PolicyGradient {
  readonly loss: number;
  readonly scores: Scores;
  /** Like `Policy.parameters`; the caller's to keep until the next call. */
  readonly gradient: Float32Array;
}

/**
 * A language model that can be asked, scored and differentiated: tokens in, numbers out. It runs on the backend in
 * use when it was made.
 */
export class Policy {
  private version = 0;
  private readonly sum: Float32Array;

  private constructor(
    readonly host: HostWeights,
    private readonly crew: Crew,
    private readonly batchTokens: number,
  ) {
    this.sum = new Float32Array(host.vector.length);
  }

  /**
   * A policy from a model's files. Nothing of them is needed afterwards.
   * @throws InputError when an adapter is to be trained and there is none.
   */
  static create(model: ModelFiles, options: PolicyOptions = {}): Policy {
    const train = options.train ?? (options.adapter ? "adapter" : "model");
    const host = HostWeights.read(model, options.adapter, train, false);
    return new Policy(
      host,
      new LocalCrew(new Replica(host), host.vector.length),
      options.batchTokens ?? 2048,
    );
  }

  get config(): ModelConfig {
    return this.host.config;
  }

  /** Every trained value in one vector. Call `changed` after writing to it. */
  get parameters(): Float32Array {
    return this.host.vector;
  }

  /** Says that the parameters were written to. */
  changed(): void {
    this.version++;
  }

  /** The current weights as files know them, for `saveModel` and `saveAdapter`. */
  files(): { model: ModelFiles; adapter: AdapterFiles | undefined } {
    return this.host.toFiles();
  }

  /**
   * Log-probability and entropy of every completion token, the prompt computed once per row.
   * @throws InputError when a row is empty, too long or holds unknown ids.
   */
  async logProbs(rows: readonly Row[], options: ScoreOptions = {}): Promise<Scores> {
    checkRows(rows, this.config);
    return (await this.crew.score(microBatches(rows, this.batchTokens), this.version, options)).flat();
  }

  /**
   * The gradient of an objective, summed over micro-batches in the order of the rows.
   * @param objective is called for each micro-batch with its rows and their scores. Denominators must be those of the
   *   whole batch; then micro-batches change nothing but rounding.
   * @throws InputError as `logProbs` does.
   * @throws RunError when a score or slope is not finite.
   */
  async gradients<C extends Completion>(
    rows: readonly Row<C>[],
    objective: Objective<Row<C>>,
    options: PolicyGradientOptions = {},
  ): Promise<PolicyGradient> {
    checkRows(rows, this.config);
    const batches = microBatches(rows, this.batchTokens);
    const scores: Scores[] = [];
    let loss = 0;
    const { temperature, checkpoint = "none", dropout: names } = options;
    await this.crew.gradients(
      batches,
      this.version,
      (batch, of) => {
        const slopes = objective(batches[batch]!, of);
        if (!Number.isFinite(slopes.loss)) throw new RunError(`The loss is ${slopes.loss}.`);
        return slopes;
      },
      { temperature, checkpoint, ...(names ? { dropout: { names, firstRow: 0 } } : {}) },
      (result) => {
        loss += result.loss;
        scores.push(result.scores);
        if (result.batch === 0) this.sum.set(result.gradient);
        else for (let i = 0; i < this.sum.length; i++) this.sum[i]! += result.gradient[i]!;
      },
    );
    return { loss, scores: scores.flat(), gradient: this.sum };
  }

  /** Frees what the backend holds and ends the workers. */
  dispose(): Promise<void> {
    return this.crew.dispose();
  }
}
