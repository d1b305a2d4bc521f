/**
 * One optimiser step: the gradient of a loss from the policy, its norm, the cut, and AdamW at the schedule's learning rate. Nothing is
 * changed unless everything was finite.
 */
import { join } from "node:path";
import { InputError, RunError, writeJson } from "../base/index.js";
import type { Loss, Sequence, TokenScores } from "../objective/index.js";
import type { Stretch } from "./host-weights.js";
import type { GradientPart, Policy, PolicyGradientOptions, PolicyScoreOptions } from "./policy.js";
import { NotFinite } from "./scores.js";

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

/** AdamW's settings (Loshchilov & Hutter 2019, algorithm 2). */
export interface AdamWOptions {
  /** The peak learning rate. */
  readonly learningRate: number;
  /** Default [0.9, 0.999]. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled decay per step as a fraction of the learning rate; matrices only (norms and biases are left). Default 0. */
  readonly weightDecay?: number;
  /** The gradient is scaled down to this global norm. Default 1; `null` never clips. */
  readonly maxGradNorm?: number | null;
  /** Default constant. */
  readonly schedule?: Schedule;
}

/** How the learning rate moves over a run. Steps are optimiser steps. */
export interface Schedule {
  /** `linear` and `cosine` fall from the peak to `floor × peak` at `steps`; `constant` stays. */
  readonly kind: "constant" | "linear" | "cosine";
  /** Steps over which the rate rises linearly from 0 to its peak. Default 0. */
  readonly warmUp?: number;
  /** The run's length, needed by `linear` and `cosine`. */
  readonly steps?: number;
  /** The lowest rate as a fraction of the peak, in [0, 1]. Default 0. */
  readonly floor?: number;
}

/**
 * AdamW over one flat vector, on the host: a single pass of plain arithmetic that gives the same bits on every
 * backend, writes in place (so that workers see the new weights through shared memory) and keeps its state in two
 * plain arrays that are saved with a checkpoint.
 */
export class AdamW {
  /** First and second moments, like the parameters. */
  readonly m: Float32Array;
  readonly v: Float32Array;
  /** Steps taken. */
  step = 0;
  private readonly options: Required<AdamWOptions>;

  /** @throws InputError when a setting is outside its range. */
  constructor(
    options: AdamWOptions,
    private readonly stretches: readonly Stretch[],
    size: number,
  ) {
    this.options = {
      betas: [0.9, 0.999],
      epsilon: 1e-8,
      weightDecay: 0,
      maxGradNorm: 1,
      schedule: { kind: "constant" },
      ...options,
    };
    const { learningRate, betas, epsilon, weightDecay, maxGradNorm, schedule } = this.options;
    refuse(!(learningRate >= 0 && learningRate < Infinity), "The learning rate", "at least 0", learningRate);
    refuse(!betas.every((b) => b >= 0 && b < 1), "Each of AdamW's betas", "in [0, 1)", betas.join(", "));
    refuse(!(epsilon > 0), "AdamW's epsilon", "positive", epsilon);
    refuse(!(weightDecay >= 0), "The weight decay", "at least 0", weightDecay);
    refuse(maxGradNorm !== null && !(maxGradNorm > 0), "The gradient norm's limit", "positive", maxGradNorm);
    scheduleFactor(schedule, Number.MAX_SAFE_INTEGER); // refuses a schedule without an end now rather than later
    this.m = new Float32Array(size);
    this.v = new Float32Array(size);
  }

  /** The learning rate of the next step. */
  get learningRate(): number {
    return this.options.learningRate * scheduleFactor(this.options.schedule, this.step + 1);
  }

  /**
   * Takes one step in place.
   * @param gradient like `parameters`; not changed.
   * @param norm the gradient's global norm, from `gradientNorm`: clipping is `g · min(1, limit / (norm + 1e-6))`.
   */
  update(parameters: Float32Array, gradient: Float32Array, norm: number): void {
    const rate = this.learningRate;
    const { betas, epsilon, weightDecay, maxGradNorm } = this.options;
    const [beta1, beta2] = betas;
    this.step++;
    const correct1 = 1 - power(beta1, this.step);
    const correct2 = 1 - power(beta2, this.step);
    const clip = maxGradNorm === null ? 1 : Math.min(1, maxGradNorm / (norm + 1e-6));
    const size = rate / correct1;
    const inverse = 1 / Math.sqrt(correct2);
    const { m, v } = this;
    for (const stretch of this.stretches) {
      const keep = stretch.decay ? 1 - rate * weightDecay : 1;
      const end = stretch.offset + stretch.size;
      for (let i = stretch.offset; i < end; i++) {
        const g = gradient[i]! * clip;
        const first = beta1 * m[i]! + (1 - beta1) * g;
        const second = beta2 * v[i]! + (1 - beta2) * g * g;
        m[i] = first;
        v[i] = second;
        parameters[i] = keep * parameters[i]! - (size * first) / (Math.sqrt(second) * inverse + epsilon);
      }
    }
  }
}

/** The Euclidean norm over all entries, summed in double precision; NaN or Infinity when any entry is not finite. */
export function gradientNorm(gradient: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < gradient.length; i++) sum += gradient[i]! * gradient[i]!;
  return Math.sqrt(sum);
}

/** `base` to a whole power by squaring: products only, so the same bits in every JavaScript engine. */
function power(base: number, exponent: number): number {
  let result = 1;
  let square = base;
  for (let e = exponent; e > 0; e = Math.floor(e / 2)) {
    if (e % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}

function refuse(wrong: boolean, what: string, range: string, value: unknown): void {
  if (wrong) throw new InputError(`${what} must be ${range}, not ${String(value)}.`);
}

/**
 * The factor by which the peak rate is multiplied in the step numbered from 1.
 * Warm-up gives `step / warmUp`, so that the first step already learns and step `warmUp` has the whole rate.
 */
export function scheduleFactor(schedule: Schedule, step: number): number {
  const { kind, warmUp = 0, steps, floor = 0 } = schedule;
  if (step < warmUp) return step / warmUp;
  if (kind === "constant") return 1;
  if (steps === undefined || steps <= warmUp) {
    throw new InputError(
      `A ${kind} schedule needs its number of steps, more than the ${warmUp} of its warm-up.`,
    );
  }
  const progress = Math.min(1, (step - warmUp) / (steps - warmUp));
  const fraction = kind === "linear" ? 1 - progress : 0.5 * (1 + cosPi(progress));
  return floor + (1 - floor) * fraction;
}

/**
 * cos(πx) for x in [0, 1] by its Taylor series about ½. `Math.cos` may differ in the last bit from one JavaScript
 * engine to the next; sums and products do not, and a learning rate touches every number after it.
 */
function cosPi(x: number): number {
  const y = (x - 0.5) * Math.PI;
  let term = -y;
  let sum = term;
  for (let k = 3; k <= 25; k += 2) {
    term *= (-y * y) / (k * (k - 1));
    sum += term;
  }
  return sum;
}
