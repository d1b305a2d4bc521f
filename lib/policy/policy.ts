import { InputError } from "../base/index.js";
import { type Loss, type LossValue, partOf, type Sequence, type TokenScores } from "../objective/index.js";
import { currentBackend, useBackend } from "../tensor/index.js";
import {
  type Fitted,
  fittedGradients,
  fittedRequests,
  fittedScores,
  reachableBytes,
  requireRoom,
  Room,
  withRoom,
} from "./memory.js";
import { bundled, checkSequences, microBatches } from "./pack.js";
import type { ReplicaPool } from "./replica-pool.js";
import type { AdapterFiles, ModelConfig, ModelFiles } from "../model/index.js";
import { HostWeights, type Trained } from "./host-weights.js";
import type { Inspection } from "./inspect.js";
import { Replica } from "./replica.js";
import { checkRequests } from "./sampling/check.js";
import { place } from "./sampling/pieces.js";
import { WorkerPool } from "./worker-pool.js";
import type { Sample, SampledToken, SampleOptions, SampleRequest } from "./sampling/types.js";

/** How a policy is set up. */
export interface PolicyOptions {
  /** A LoRA adapter: read from a folder (`loadAdapter`) or new (`freshAdapter`). */
  readonly adapter?: AdapterFiles;
  /** The parameters that updates change. Default: the adapter if there is one, else the whole model. */
  readonly train?: Trained;
  /** Packed tokens that go through the model at once; a longer row goes alone. Default 2048. */
  readonly batchTokens?: number;
  /**
   * Worker threads, each with a replica of its own; 0 works on this thread. Results are the same bits for any number.
   * Default 0.
   */
  readonly workers?: number;
  /**
   * Where the whole model is trained: keep it a second time as it is now, to score with `reference: true` later. An adapter needs no
   * copy, since it can be left out. Default false.
   */
  readonly reference?: boolean;
  /**
   * Bytes that the tensors of one replica may take. Work that would take more is divided, and layers are computed again rather than
   * kept. Default: what the backend reaches, 4 GiB on `wasm` and `native`; elsewhere nothing is divided.
   */
  readonly memory?: number;
}

/** How sequences are scored. */
export interface PolicyScoreOptions {
  /** Logits are divided by it. Default 1. */
  readonly temperature?: number;
  /** Score with the model as it was before any update. Default false. */
  readonly reference?: boolean;
  /** Hand over the hidden states, too: what a critic reads. Default false. */
  readonly states?: boolean;
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

/** One micro-batch of a gradient. */
export interface GradientPart {
  /** Positions of its sequences among all, in the order in which they were added up. */
  readonly rows: readonly number[];
  readonly loss: number;
  readonly sums: LossValue["sums"];
}

/** A gradient summed over all sequences. */
export interface PolicyGradient {
  readonly loss: number;
  /** Of each sequence, in their order. */
  readonly scores: readonly TokenScores[];
  /** Like `Policy.parameters`; the caller's to keep until the next call. */
  readonly gradient: Float32Array;
  /** The micro-batches, in the order of every sum: numbers beside the loss are added up in the same order. */
  readonly parts: readonly GradientPart[];
  /** Milliseconds that the loss itself took, beside the model. */
  readonly lossTime: number;
}

/**
 * A language model that can be sampled, scored and differentiated: tokens in, numbers out. It runs on the backend in
 * use when it was made.
 */
export class Policy {
  private version = 0;
  private readonly sum: Float32Array;

  private constructor(
    readonly host: HostWeights,
    private readonly pool: ReplicaPool,
    private readonly batchTokens: number,
    /** The model as it was, where it is trained whole and a reference was asked for. */
    private readonly before: Policy | null,
    private readonly room: Room,
  ) {
    this.sum = new Float32Array(host.vector.length);
  }

  /**
   * A policy from a model's files, on the backend in use (`wasm` when none was chosen). Workers read the values once;
   * without workers a frozen base is read from the files again when it is saved.
   * @throws InputError when an adapter is to be trained and there is none, or the model is larger than the memory.
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
    const { memory = reachableBytes() } = options;
    const kept = options.reference === true && train === "model";
    const room = new Room(model.config, options.adapter?.config, train, memory, kept ? 2 : 1);
    requireRoom(room);
    const host = HostWeights.read(model, options.adapter, train, workers > 0);
    const pool = workers > 0 ? await WorkerPool.start(host, workers, backend) : new Replica(host);
    const before = kept
      ? await Policy.create(model, { train: "nothing", batchTokens, memory: memory - room.fixed / 2 })
      : null;
    return new Policy(host, pool, batchTokens, before, room);
  }

  get config(): ModelConfig {
    return this.host.config;
  }

  /** The parameters that updates change. */
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
   * Log-probability and entropy of every scored token, sequence by sequence. What sequences begin with in common is computed once.
   * @throws InputError when a sequence is empty, too long or holds unknown ids, or the reference is gone.
   */
  async logProbs(
    sequences: readonly Sequence[],
    { temperature, reference = false, states }: PolicyScoreOptions = {},
  ): Promise<TokenScores[]> {
    checkSequences(sequences, this.config);
    if (reference && this.before)
      return this.before.logProbs(sequences, { ...(temperature === undefined ? {} : { temperature }) });
    const adapter = reference ? "off" : "on";
    this.checkBase(adapter);
    const batches = microBatches(bundled(sequences), this.batchTokens);
    return withRoom(this.room, async (bytes) => {
      const fitted = fittedScores(batches, this.room, bytes);
      const scored = await this.pool.score(fitted, this.version, { temperature, adapter, states });
      return inOrder(
        fitted.flat().flatMap(({ members }) => members),
        scored.flat(),
      );
    });
  }

  /**
   * The gradient of a loss, summed over micro-batches in the order of the bundles.
   * @throws InputError as `logProbs` does, and when the loss has not one row for each sequence.
   * @throws RunError when a score or the loss is not finite, or the memory was full all the same.
   */
  async gradients(
    sequences: readonly Sequence[],
    loss: Loss,
    options: PolicyGradientOptions = {},
  ): Promise<PolicyGradient> {
    checkSequences(sequences, this.config);
    if (loss.rows.length !== sequences.length) {
      throw new InputError(`The loss has ${loss.rows.length} rows for ${sequences.length} sequences.`);
    }
    const batches = microBatches(bundled(sequences), this.batchTokens);
    const recompute = options.checkpoint === "layer";
    const apart = !options.dropout || !this.host.adapter?.dropout;
    return withRoom(this.room, (bytes) =>
      this.summed(fittedGradients(batches, this.room, { bytes, recompute, apart }), loss, options),
    );
  }

  /** The gradients of micro-batches, added up in their order. */
  private async summed(
    batches: readonly Fitted[],
    loss: Loss,
    options: PolicyGradientOptions,
  ): Promise<PolicyGradient> {
    const members = batches.map(({ bundles }) => bundles.flatMap((bundle) => bundle.members));
    const scores: TokenScores[] = [];
    const parts: GradientPart[] = [];
    let total = 0;
    let lossTime = 0;
    let gradient = this.sum;
    const { temperature, checkpoint = "none", dropout: names } = options;
    let firstBundle = 0; // dropout masks are named after a bundle's position among all bundles
    const parted = batches.map(({ bundles, recompute }, b) => {
      const dropout = names ? { dropout: { names, firstBundle } } : {};
      firstBundle += bundles.length;
      return {
        bundles: bundles.map(({ prompt, completions }) => ({ prompt, completions })),
        loss: partOf(loss, members[b]!),
        options: { temperature, checkpoint: recompute ? ("layer" as const) : checkpoint, ...dropout },
      };
    });
    await this.pool.gradients(parted, this.version, (result) => {
      total += result.loss;
      lossTime += result.lossTime;
      scores.push(...result.scores);
      parts.push({ rows: members[result.batch]!, loss: result.loss, sums: result.sums });
      if (batches.length === 1) gradient = result.gradient;
      else if (result.batch === 0) this.sum.set(result.gradient);
      else for (let i = 0; i < this.sum.length; i++) this.sum[i]! += result.gradient[i]!;
    });
    return { loss: total, scores: inOrder(members.flat(), scores), gradient, parts, lossTime };
  }

  /**
   * Samples every request: the prompts once, then all samples of all prompts in one batch. `[request][sample]`
   * @throws InputError when a prompt is empty or too long, or an option makes no sense.
   */
  async sample(requests: readonly SampleRequest[], options: SampleOptions): Promise<Sample[][]> {
    checkRequests(requests, options, this.config);
    this.checkBase(options.adapter);
    return withRoom(this.room, async (bytes) => {
      const samples: Sample[][] = requests.map(() => []);
      for (const pieces of fittedRequests(requests, options.maxTokens, this.room, bytes)) {
        const asked = pieces.map(({ request }) => request);
        place(samples, requests, pieces, await this.pool.sample(asked, this.version, options));
      }
      return samples;
    });
  }

  /** The same, each token as it is drawn; for demonstrations. @throws InputError as `sample` does. */
  stream(
    requests: readonly SampleRequest[],
    options: SampleOptions,
  ): AsyncGenerator<SampledToken, void, void> {
    checkRequests(requests, options, this.config);
    this.checkBase(options.adapter);
    return this.pool.stream(requests, this.version, options);
  }

  /** Log-probability of each of a fixed set of continuations, all in one packed pass. `[choices]` */
  async scoreChoices(
    prompt: readonly number[],
    choices: readonly (readonly number[])[],
    options: PolicyScoreOptions = {},
  ): Promise<number[]> {
    const scores = await this.logProbs(
      choices.map((responseIds) => ({ promptIds: prompt, responseIds })),
      options,
    );
    return scores.map(({ logProbs }) => logProbs.reduce((sum, lp) => sum + lp, 0));
  }

  /**
   * The model's probabilities after a text, and the attention weights of its tokens; for demonstrations.
   * @throws InputError when the text is empty or too long.
   */
  async inspect(ids: readonly number[], adapter: "on" | "off" = "on"): Promise<Inspection> {
    checkRequests([{ prompt: ids, name: [] }], { seed: 0, maxTokens: 1 }, this.config);
    return this.pool.inspect(ids, this.version, adapter);
  }

  /** Once the whole model has been updated, leaving the adapter out no longer gives the model that it started from. */
  private checkBase(adapter: "on" | "off" = "on"): void {
    if (adapter === "on" || this.version === 0 || this.trains !== "model") return;
    throw new InputError(
      "The whole model has been trained, so the model as it was before is gone: " +
        "create the policy with a reference to score with it.",
    );
  }

  /** Frees what the backend holds and ends the workers. */
  async dispose(): Promise<void> {
    await this.pool.dispose();
    await this.before?.dispose();
  }
}

/** Values by the positions that they belong to. */
function inOrder<T>(positions: readonly number[], values: readonly T[]): T[] {
  const result = new Array<T>(values.length);
  positions.forEach((position, i) => (result[position] = values[i]!));
  return result;
}
