import { InputError, RunError } from "../base/index.js";
import { currentBackend, useBackend } from "../tensor/index.js";
import { firstRows, LocalCrew, type Crew } from "./crew.js";
import type { AdapterFiles, ModelConfig, ModelFiles } from "../model/index.js";
import { HostWeights, type Trained } from "./host-weights.js";
import type { Inspection } from "./inspect.js";
import { Replica } from "./replica.js";
import type { ScoreOptions, Scores, Slopes } from "./scores.js";
import { checkRows, microBatches, type Row } from "./rows.js";
import { checkRequests } from "./sampling/check.js";
import { WorkerCrew } from "./worker-crew.js";
import type { Sample, SampledToken, SampleOptions, SampleRequest } from "./sampling/types.js";

/** How a policy is set up. */
export interface PolicyOptions {
  /** A LoRA adapter: read from a folder (`loadAdapter`) or new (`freshAdapter`). */
  readonly adapter?: AdapterFiles;
  /** What updates change. Default: the adapter if there is one, else the whole model. */
  readonly train?: Trained;
  /** Packed tokens that go through the model at once; a longer row goes alone. Default 2048. */
  readonly batchTokens?: number;
  /**
   * Worker threads, each with a replica of its own; 0 works on this thread. Results are the same bits for any number.
   * Default 0.
   */
  readonly workers?: number;
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

/**
 * Value and slopes of a loss, from the scores of some rows. It is called for each micro-batch in their order, with the
 * positions of the micro-batch's rows among all rows. Denominators must be those of all rows; then micro-batches change
 * nothing but rounding.
 */
export type Objective = (positions: readonly number[], scores: Scores) => Slopes;

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
   * A policy from a model's files, on the backend in use (`wasm` when none was chosen). Workers read the values once;
   * without workers a frozen base is read from the files again when it is saved.
   * @throws InputError when an adapter is to be trained and there is none.
   * @throws RunError when a worker cannot be started.
   */
  static async create(model: ModelFiles, options: PolicyOptions = {}): Promise<Policy> {
    const train = options.train ?? (options.adapter ? "adapter" : "model");
    const { workers = 0, batchTokens = 2048 } = options;
    if (!Number.isInteger(workers) || workers < 0) {
      throw new InputError(`The number of workers must be 0 or more, not ${workers}.`);
    }
    if (!currentBackend()) await useBackend("wasm");
    const backend = currentBackend()!;
    const host = HostWeights.read(model, options.adapter, train, workers > 0);
    const crew =
      workers > 0
        ? await WorkerCrew.start(host, workers, backend)
        : new LocalCrew(new Replica(host), host.vector.length);
    return new Policy(host, crew, batchTokens);
  }

  get config(): ModelConfig {
    return this.host.config;
  }

  /** What updates change. */
  get trains(): Trained {
    if (this.host.trained.length === 0) return "nothing";
    return this.host.trained[0]!.name.includes(".lora_") ? "adapter" : "model";
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
    this.checkBase(options.adapter);
    return (await this.crew.score(microBatches(rows, this.batchTokens), this.version, options)).flat();
  }

  /**
   * The gradient of an objective, summed over micro-batches in the order of the rows.
   * @throws InputError as `logProbs` does.
   * @throws RunError when a score or slope is not finite.
   */
  async gradients(
    rows: readonly Row[],
    objective: Objective,
    options: PolicyGradientOptions = {},
  ): Promise<PolicyGradient> {
    checkRows(rows, this.config);
    const batches = microBatches(rows, this.batchTokens);
    const positions = firstRows(batches);
    const scores: Scores[] = [];
    let loss = 0;
    let gradient = this.sum;
    const { temperature, checkpoint = "none", dropout: names } = options;
    await this.crew.gradients(
      batches,
      this.version,
      (batch, of) => {
        const first = positions[batch]!;
        const slopes = objective(
          Array.from(batches[batch]!, (_, i) => first + i),
          of,
        );
        if (!Number.isFinite(slopes.loss)) throw new RunError(`The loss is ${slopes.loss}.`);
        return slopes;
      },
      { temperature, checkpoint, ...(names ? { dropout: { names } } : {}) },
      (result) => {
        loss += result.loss;
        scores.push(result.scores);
        if (batches.length === 1) gradient = result.gradient;
        else if (result.batch === 0) this.sum.set(result.gradient);
        else for (let i = 0; i < this.sum.length; i++) this.sum[i]! += result.gradient[i]!;
      },
    );
    return { loss, scores: scores.flat(), gradient };
  }

  /**
   * Samples every request: the prompts once, then all samples of all prompts in one batch. `[request][sample]`
   * @throws InputError when a prompt is empty or too long, or an option makes no sense.
   */
  async sample(requests: readonly SampleRequest[], options: SampleOptions): Promise<Sample[][]> {
    checkRequests(requests, options, this.config);
    this.checkBase(options.adapter);
    return this.crew.sample(requests, this.version, options);
  }

  /** The same, each token as it is drawn; for demonstrations. @throws InputError as `sample` does. */
  stream(
    requests: readonly SampleRequest[],
    options: SampleOptions,
  ): AsyncGenerator<SampledToken, void, void> {
    checkRequests(requests, options, this.config);
    this.checkBase(options.adapter);
    return this.crew.stream(requests, this.version, options);
  }

  /** Log-probability of each of a fixed set of continuations, all in one packed pass. `[choices]` */
  async scoreChoices(
    prompt: readonly number[],
    choices: readonly (readonly number[])[],
    options: ScoreOptions = {},
  ): Promise<number[]> {
    const [scores] = await this.logProbs([{ prompt, completions: choices.map((ids) => ({ ids })) }], options);
    return scores!.map(({ logProbs }) => logProbs.reduce((sum, lp) => sum + lp, 0));
  }

  /**
   * What the model expects after a text, and what each of its tokens looks at; for demonstrations.
   * @throws InputError when the text is empty or too long.
   */
  async inspect(ids: readonly number[], adapter: "on" | "off" = "on"): Promise<Inspection> {
    checkRequests([{ prompt: ids, name: [] }], { seed: 0, maxTokens: 1 }, this.config);
    return this.crew.inspect(ids, this.version, adapter);
  }

  /** Once the whole model has been updated, turning the adapter off no longer gives the model one started from. */
  private checkBase(adapter: "on" | "off" = "on"): void {
    if (adapter === "on" || this.version === 0 || this.trains !== "model") return;
    throw new InputError(
      "The whole model has been trained, so turning the adapter off does not give the base model: " +
        "create a second policy from the same files as the reference.",
    );
  }

  /** Frees what the backend holds and ends the workers. */
  dispose(): Promise<void> {
    return this.crew.dispose();
  }
}
