import { join } from "node:path";
import { InputError, RunError, writeJson } from "../base/index.js";
import { AdamW, gradientNorm, type AdamWOptions } from "./optimizer.js";
import type { Loss, Sequence, TokenScores } from "../objective/index.js";
import { NotFinite } from "./scores.js";
import type { GradientPart, Policy, PolicyGradientOptions, PolicyScoreOptions } from "./policy.js";

/** How a policy is trained. */
export interface TrainerOptions extends AdamWOptions, Pick<PolicyGradientOptions, "checkpoint"> {
  /** Names the adapter's dropout masks. Default 0. */
  readonly seed?: number | string;
  /** Folder for the batch that made a loss or gradient non-finite. Default `data/tmp`. */
  readonly dumpFolder?: string;
}

/** The result of one optimiser step. */
export interface Update {
  /** Number of this step, from 1. */
  readonly step: number;
  readonly loss: number;
  /** Global norm of the gradient before clipping. */
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Scores of each sequence before the step, for metrics. */
  readonly scores: readonly TokenScores[];
  /** The micro-batches in the order of every sum. */
  readonly parts: readonly GradientPart[];
  /** Milliseconds that the loss itself took, beside the model. */
  readonly lossTime: number;
}

/** Changes a policy's parameters one optimiser step at a time. It is what `grpo` calls a learner. */
export class Trainer {
  readonly optimizer: AdamW;
  private readonly seed: number | string;
  private readonly dumpFolder: string;

  /** @throws InputError when a setting makes no sense or nothing of the policy is trained. */
  constructor(
    readonly policy: Policy,
    private readonly options: TrainerOptions,
  ) {
    const { trained, vector } = policy.host;
    if (trained.length === 0)
      throw new InputError("This policy trains nothing: create it with something to train.");
    this.optimizer = new AdamW(options, trained, vector.length);
    this.seed = options.seed ?? 0;
    this.dumpFolder = options.dumpFolder ?? join("data", "tmp");
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.optimizer.step;
  }

  /**
   * One optimiser step on a loss over some sequences. Nothing is changed unless everything was finite.
   * @throws InputError when a row cannot be scored, or needs more memory than there is.
   * @throws RunError when the loss or the gradient is not finite: the batch lies in a file that the message names.
   */
  async step(
    sequences: readonly Sequence[],
    loss: Loss,
    { temperature = 1 }: { readonly temperature?: number } = {},
  ): Promise<Update> {
    const { policy, optimizer } = this;
    const step = optimizer.step + 1;
    const { checkpoint = "none" } = this.options;
    const options = { temperature, checkpoint, dropout: [this.seed, step] };
    let result;
    try {
      result = await policy.gradients(sequences, loss, options);
    } catch (error) {
      if (error instanceof NotFinite) throw this.dumped(error.message, { step, sequences, loss });
      throw error;
    }
    const { scores, gradient } = result;
    const gradNorm = gradientNorm(gradient);
    if (!Number.isFinite(gradNorm)) {
      const tensors = policy.host.trained
        .filter(({ offset, size }) => !gradient.subarray(offset, offset + size).every(Number.isFinite))
        .map(({ name }) => name);
      throw this.dumped(`The gradient of step ${step} is not finite.`, {
        step,
        sequences,
        loss,
        scores,
        tensors,
      });
    }
    const { learningRate } = optimizer;
    optimizer.update(policy.parameters, gradient, gradNorm);
    policy.changed();
    const { parts, lossTime } = result;
    return { step, loss: result.loss, gradNorm, learningRate, scores, parts, lossTime };
  }

  /** The policy's scores, so that a trainer is all that a learner needs. */
  logProbs(sequences: readonly Sequence[], options: PolicyScoreOptions = {}): Promise<TokenScores[]> {
    return this.policy.logProbs(sequences, options);
  }

  /** The state before the first scored token of each sequence: the last layer's normalised output. `[sequence][d]` */
  async states(sequences: readonly Sequence[]): Promise<(readonly number[])[]> {
    const scores = await this.policy.logProbs(sequences, { states: true });
    return scores.map(({ state }) => state!);
  }

  private dumped(reason: string, batch: Readonly<Record<string, unknown>>): RunError {
    const path = join(this.dumpFolder, `not-finite-step-${this.optimizer.step + 1}.json`);
    // JSON has no NaN: say it in words.
    const plain: unknown = JSON.parse(
      JSON.stringify({ reason, ...batch }, (_, value: unknown) =>
        typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
      ),
    );
    writeJson(path, plain);
    return new RunError(`${reason} The batch is in ${path}; no weight was changed.`);
  }
}
