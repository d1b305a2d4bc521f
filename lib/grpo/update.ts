/**
 * One iteration's learning: rows → reference and old log-probabilities → epochs of mini-batches → optimiser steps.
 * It never asks which algorithm runs.
 */
import type { Random } from "../base/index.js";
import { whitenRows, whitens } from "./advantages/index.js";
import type { GrpoConfig } from "./config.js";
import { updateMetrics } from "./metrics.js";
import { addSums, emptySums, objective, sharesOf } from "./objective/index.js";
import { chargeKl, continuation, sharedPrompts, type SharedPrompt } from "./rows.js";
import type { Metrics, Row } from "./types.js";

/** Rows as a policy takes them: a prompt, and the completions that share it. */
export interface LearnerRow {
  readonly prompt: readonly number[];
  /** With `scored`, only the flagged tokens are scored; scores and slopes are of those alone. */
  readonly completions: readonly { readonly ids: readonly number[]; readonly scored?: readonly boolean[] }[];
}

/** Scores as a policy gives them. `[row][completion][token]` */
export type LearnerScores = readonly (readonly {
  readonly logProbs: readonly number[];
  readonly entropies: readonly number[];
}[])[];

/** What learning needs of a policy: to score rows, to differentiate a function of the scores, and to take a step. */
export interface Learner {
  logProbs(
    rows: readonly LearnerRow[],
    options: { temperature: number; adapter: "on" | "off" },
  ): Promise<LearnerScores>;
  /**
   * What the policy has in mind just before the first scored token of each completion: the last layer's normalised output.
   * Only a critic asks for it. `[row][completion][d]`
   */
  states?(rows: readonly LearnerRow[]): Promise<readonly (readonly (readonly number[])[])[]>;
  /** `slopes` is called for each micro-batch with the positions of its rows and their scores. */
  step(
    rows: readonly LearnerRow[],
    slopes: (positions: readonly number[], scores: LearnerScores) => LearnerSlopes,
    options: { temperature: number },
  ): Promise<{ gradNorm: number; learningRate: number }>;
}

/** The loss of a micro-batch and its derivatives. `[row][completion][token]` */
export interface LearnerSlopes {
  readonly loss: number;
  readonly logProbs: readonly (readonly (readonly number[])[])[];
  readonly entropies: readonly (readonly (readonly number[])[])[];
}

/**
 * Learns from an iteration's rows and returns the update's metrics.
 * @param random shuffles mini-batches.
 * @throws RunError (from the policy or the objective) when a value is not finite.
 */
export async function learn(
  rows: readonly Row[],
  learner: Learner,
  config: GrpoConfig,
  random: Random,
): Promise<Metrics> {
  const { temperature } = config.sampling;
  const { kl } = config.objective;
  const { epochs, miniBatchRows } = config.update;
  const oneStep = epochs === 1 && miniBatchRows === null;
  const wholeBatch = miniBatchRows === null;

  let ready: Row[] = [...rows];
  const agreement = { mean: 0, max: 0 };
  // Sampled and trained log-probabilities agree up to rounding, but a ratio should be exactly 1 before the first step:
  // the trainer's own are the old ones. Where all rows make one step, that step's forward pass gives them for nothing.
  if (!wholeBatch) ready = withOld(ready, await scoresOf(ready, learner, temperature, "on"), agreement);
  if (kl) {
    const reference = await scoresOf(ready, learner, temperature, "off");
    if (kl.where === "reward") ready = chargeKl(ready, reference, kl.coefficient);
    ready = ready.map((row, i) => ({ ...row, refLogProbs: reference[i]! }));
  }
  if (whitens(config.advantage)) ready = whitenRows(ready);

  let sums = emptySums();
  let loss = 0;
  let steps = 0;
  let gradNorm = 0;
  let learningRate = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const positions of miniBatches(ready, miniBatchRows, random)) {
      const first = wholeBatch && epoch === 0;
      const batch = positions.map((i) => ready[i]!);
      const weights = await selectionWeights(batch, ready, learner, temperature, first || steps === 0);
      const shares = sharesOf(config.objective, batch);
      const prompts = sharedPrompts(batch);
      const stepped = await learner.step(
        prompts.map((prompt) => learnerRow(prompt, batch)),
        (which, scores) => {
          const members = which.flatMap((i) => prompts[i]!.rows);
          const current = scores.flat().map((completion) => completion.logProbs);
          const entropies = scores.flat().map((completion) => completion.entropies);
          if (first)
            members.forEach((m, k) => (ready[positions[m]!] = keepOld(batch[m]!, current[k]!, agreement)));
          const seen = members.map((m, k) =>
            first ? { ...batch[m]!, oldLogProbs: current[k]! } : batch[m]!,
          );
          const of = (values: readonly number[]): number[] => members.map((m) => values[m]!);
          const result = objective(
            config.objective,
            seen,
            of(shares),
            current,
            entropies,
            weights && of(weights),
          );
          sums = addSums(sums, result.sums);
          loss += result.loss;
          return {
            loss: result.loss,
            logProbs: nested(which, prompts, result.logProbSlopes),
            entropies: nested(which, prompts, result.entropySlopes),
          };
        },
        { temperature },
      );
      steps += 1;
      gradNorm += stepped.gradNorm;
      learningRate = stepped.learningRate;
    }
  }
  return {
    ...updateMetrics(sums, { reference: kl !== null }),
    loss: loss / steps,
    grad_norm: gradNorm / steps,
    lr: learningRate,
    optimiser_steps: steps,
    "sampler_vs_trainer/mean": agreement.mean / Math.max(1, tokensOf(rows)),
    "sampler_vs_trainer/max": agreement.max,
    ...(oneStep ? { on_policy: 1 } : {}),
  };
}

/**
 * Positions of each mini-batch's rows. Roll-outs are shuffled and never split, so that a row and the one that weights
 * it stay together; a mini-batch may exceed `size` by the rows of one roll-out.
 */
export function miniBatches(rows: readonly Row[], size: number | null, random: Random): number[][] {
  if (size === null) return [rows.map((_, i) => i)];
  const rollouts = new Map<number, number[]>();
  rows.forEach((row, i) => rollouts.set(row.rollout, [...(rollouts.get(row.rollout) ?? []), i]));
  const batches: number[][] = [];
  for (const members of random.shuffle([...rollouts.values()])) {
    const last = batches.at(-1);
    if (last && last.length < size) last.push(...members);
    else batches.push([...members]);
  }
  return batches;
}

/** π(selection), detached, for each row that it weights; undefined when no row is weighted. */
async function selectionWeights(
  batch: readonly Row[],
  all: readonly Row[],
  learner: Learner,
  temperature: number,
  onPolicy: boolean,
): Promise<number[] | undefined> {
  if (batch.every((row) => row.weightedBy === undefined)) return undefined;
  const companions = batch.map((row) => (row.weightedBy === undefined ? null : all[row.weightedBy]!));
  const needed = companions.filter((row): row is Row => row !== null);
  const scores = onPolicy
    ? needed.map((row) => row.oldLogProbs)
    : await scoresOf(needed, learner, temperature, "on");
  let next = 0;
  return companions.map((row) => (row === null ? 1 : Math.exp(scores[next++]!.reduce((a, b) => a + b, 0))));
}

/** Log-probabilities of rows, in their order. */
async function scoresOf(
  rows: readonly Row[],
  learner: Learner,
  temperature: number,
  adapter: "on" | "off",
): Promise<number[][]> {
  const prompts = sharedPrompts(rows);
  const scores = await learner.logProbs(
    prompts.map((prompt) => learnerRow(prompt, rows)),
    { temperature, adapter },
  );
  const result: number[][] = new Array<number[]>(rows.length);
  prompts.forEach((prompt, p) => prompt.rows.forEach((i, c) => (result[i] = [...scores[p]![c]!.logProbs])));
  return result;
}

type Agreement = { mean: number; max: number };

function withOld(rows: readonly Row[], scores: readonly (readonly number[])[], agreement: Agreement): Row[] {
  return rows.map((row, i) => keepOld(row, scores[i]!, agreement));
}

/** The row with the trainer's log-probabilities as the old ones; how far the sampler's were is added up. */
function keepOld(row: Row, trained: readonly number[], agreement: Agreement): Row {
  trained.forEach((value, t) => {
    const apart = Math.abs(value - row.oldLogProbs[t]!);
    agreement.mean += apart;
    agreement.max = Math.max(agreement.max, apart);
  });
  return { ...row, oldLogProbs: [...trained] };
}

function learnerRow({ promptIds, rows: members }: SharedPrompt, rows: readonly Row[]): LearnerRow {
  return { prompt: promptIds, completions: members.map((i) => continuation(rows[i]!, promptIds.length)) };
}

/** Row-wise slopes in the shape of the prompts' completions. */
function nested(
  which: readonly number[],
  prompts: readonly SharedPrompt[],
  slopes: readonly (readonly number[])[],
): number[][][] {
  let next = 0;
  return which.map((p) => prompts[p]!.rows.map(() => [...slopes[next++]!]));
}

function tokensOf(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + row.responseIds.length, 0);
}
