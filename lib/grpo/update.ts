/**
 * One iteration's learning: groups and their advantages → rows → reference and old log-probabilities → epochs of mini-batches →
 * optimiser steps. It never asks which algorithm runs, and never how a policy puts rows through a model.
 */
import type { Random } from "../base/index.js";
import {
  addSums,
  emptySums,
  type Loss,
  type ObjectiveSums,
  type PolicyGradientLoss,
  type Sequence,
  tokenWeights,
  type TokenScores,
} from "../objective/index.js";
import { hasZeroVariance, whitenRows, whitens } from "./advantages/index.js";
import type { GrpoConfig } from "./config.js";
import type { Group, Metrics, Row, Turn, TurnAdvantages } from "./types.js";

/** The methods of a policy that learning uses: to score sequences, to differentiate a loss over them, and to take a step. */
export interface Learner {
  /** Scores of each sequence in their order; `reference` asks the model that the run began from. */
  logProbs(
    sequences: readonly Sequence[],
    options: { readonly temperature: number; readonly reference?: boolean },
  ): Promise<readonly TokenScores[]>;
  /** The model's state just before each response: its last layer's normalised output. Only a critic asks for it. `[sequence][d]` */
  states?(sequences: readonly Sequence[]): Promise<readonly (readonly number[])[]>;
  /** One optimiser step on a loss with a row for each sequence. */
  step(
    sequences: readonly Sequence[],
    loss: Loss,
    options: { readonly temperature: number },
  ): Promise<LearnerStep>;
}

/** The result of a step. */
export interface LearnerStep {
  readonly gradNorm: number;
  readonly learningRate: number;
  /** Of each sequence, before the step. */
  readonly scores: readonly TokenScores[];
  /** The parts in which the loss was added up, in that order; `rows` are positions among the step's sequences. */
  readonly parts: readonly {
    readonly rows: readonly number[];
    readonly loss: number;
    readonly sums?: Readonly<Record<string, number>> | undefined;
  }[];
  /** Milliseconds of the loss itself, for the clock. */
  readonly lossTime?: number;
}

/** A row whose old and reference log-probabilities become known on the way. */
type Ready = { -readonly [Name in keyof Row]: Row[Name] };

/** The number of a response's tokens that were sampled. */
export function sampledLength({ responseIds, scored }: Pick<Turn, "responseIds" | "scored">): number {
  return scored ? scored.filter(Boolean).length : responseIds.length;
}

/**
 * One row for each turn, roll-out after roll-out. With `queryBySelection` each turn but the last is weighted by the
 * probability of its roll-out's last turn (the thesis: the query's loss by the selection's probability).
 *
 * A row does not count when its response was cut and `truncated` is "mask", or its group's returns are all equal
 * and `zeroVariance` is not "keep": it is then left out of the loss and of every denominator.
 */
export function rowsOf(
  groups: readonly Group[],
  advantages: readonly TurnAdvantages[],
  config: Pick<GrpoConfig, "objective" | "groups" | "reward">,
): Row[] {
  const rows: Row[] = [];
  let rollouts = 0;
  groups.forEach((group, g) => {
    const empty = config.groups.zeroVariance !== "keep" && hasZeroVariance(group);
    group.rollouts.forEach((rollout, i) => {
      const last = rows.length + rollout.turns.length - 1;
      rollout.turns.forEach((turn, t) => {
        const advantage = advantages[g]![i]![t]!;
        const weighted = config.objective.queryBySelection && t < rollout.turns.length - 1;
        rows.push({
          promptIds: turn.promptIds,
          responseIds: turn.responseIds,
          oldLogProbs: turn.oldLogProbs,
          ...(turn.scored === undefined ? {} : { scored: turn.scored }),
          advantages: Array.from({ length: sampledLength(turn) }, () => advantage),
          counted: !empty && !(turn.truncated && config.reward.truncated === "mask"),
          group: g,
          rollout: rollouts,
          task: group.task,
          ...(turn.sharedTokens === undefined ? {} : { sharedTokens: turn.sharedTokens }),
          ...(weighted ? { weightedBy: last } : {}),
        });
      });
      rollouts += 1;
    });
  });
  return rows;
}

/**
 * Learns from an iteration's rows and returns the update's metrics.
 * @param random shuffles mini-batches.
 * @throws RunError (from the policy or the loss) when a value is not finite.
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
  const wholeBatch = miniBatchRows === null;
  const agreement = { mean: 0, max: 0 };

  let ready: Ready[] = rows.map((row) => ({ ...row }));
  // Sampled and trained log-probabilities agree up to rounding, but a ratio should be exactly 1 before the first step:
  // the trainer's own are the old ones. Where all rows make one step, that step's forward pass gives them for nothing.
  if (!wholeBatch) {
    const scores = await learner.logProbs(ready, { temperature });
    ready.forEach((row, i) => keepOld(row, scores[i]!.logProbs, agreement));
  }
  if (kl) {
    const scores = await learner.logProbs(ready, { temperature, reference: true });
    const reference = scores.map(({ logProbs }) => logProbs);
    if (kl.where === "reward") ready = chargeKl(ready, reference, kl.coefficient);
    ready.forEach((row, i) => (row.refLogProbs = reference[i]!));
  }
  if (whitens(config.advantage)) ready = whitenRows(ready);

  let sums = emptySums();
  let total = 0;
  let steps = 0;
  let gradNorm = 0;
  let learningRate = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const batch of miniBatches(ready, miniBatchRows, random)) {
      // Until the first step the policy is the one that sampled.
      const weights = await selectionWeights(batch, ready, learner, temperature, steps === 0);
      const onPolicy = wholeBatch && epoch === 0;
      const loss = lossOf(batch, config.objective, { onPolicy, weights });
      const stepped = await learner.step(batch, loss, { temperature });
      for (const part of stepped.parts) {
        if (onPolicy) for (const i of part.rows) keepOld(batch[i]!, stepped.scores[i]!.logProbs, agreement);
        sums = addSums(sums, part.sums as ObjectiveSums);
        total += part.loss;
      }
      steps += 1;
      gradNorm += stepped.gradNorm;
      learningRate = stepped.learningRate;
    }
  }
  return {
    ...updateMetrics(sums, { reference: kl !== null }),
    loss: total / steps,
    grad_norm: gradNorm / steps,
    lr: learningRate,
    optimiser_steps: steps,
    "sampler_vs_trainer/mean": agreement.mean / Math.max(1, tokensOf(rows)),
    "sampler_vs_trainer/max": agreement.max,
    ...(epochs === 1 && wholeBatch ? { on_policy: 1 } : {}),
  };
}

/**
 * The loss of some rows that make one optimiser step, as data.
 * @param onPolicy the current log-probabilities are the old ones: the ratio is exactly 1
 * @param weights a constant for each row that multiplies its loss; absent: 1
 */
export function lossOf(
  batch: readonly Row[],
  objective: GrpoConfig["objective"],
  { onPolicy, weights }: { readonly onPolicy: boolean; readonly weights?: readonly number[] | undefined },
): PolicyGradientLoss {
  const tokens = tokenWeights(
    objective.aggregation,
    batch.map((row) => ({ tokens: sampledLength(row), ...row })),
  );
  return {
    kind: "policy-gradient",
    settings: objective,
    rows: batch.map(({ oldLogProbs, refLogProbs, advantages, counted, task }, i) => ({
      oldLogProbs: onPolicy ? null : oldLogProbs,
      ...(refLogProbs === undefined ? {} : { refLogProbs }),
      advantages,
      counted,
      tokenWeight: tokens[i]!,
      ...(weights === undefined ? {} : { rowWeight: weights[i]! }),
      ...(task === undefined ? {} : { task }),
    })),
  };
}

/**
 * KL in the reward: each token is charged β·k1 of itself and of what follows in its response,
 * A_t ← A_t − β Σ_{u≥t} (log π_old − log π_ref)_u.
 * @param reference log-probabilities under the reference. `[row][token]`
 */
export function chargeKl(
  rows: readonly Row[],
  reference: readonly (readonly number[])[],
  coefficient: number,
): Row[] {
  return rows.map((row, i) => {
    const advantages = [...row.advantages];
    let charge = 0;
    for (let t = advantages.length - 1; t >= 0; t--) {
      charge += coefficient * (row.oldLogProbs[t]! - reference[i]![t]!);
      advantages[t]! -= charge;
    }
    return { ...row, advantages };
  });
}

/**
 * The rows of each mini-batch. Roll-outs are shuffled and never split, so that a row and the one that weights
 * it stay together; a mini-batch may exceed `size` by the rows of one roll-out.
 */
export function miniBatches<R extends Row>(rows: readonly R[], size: number | null, random: Random): R[][] {
  if (size === null) return [[...rows]];
  const rollouts = new Map<number, R[]>();
  for (const row of rows) rollouts.set(row.rollout, [...(rollouts.get(row.rollout) ?? []), row]);
  const batches: R[][] = [];
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
  const selections = batch.flatMap(({ weightedBy }) => (weightedBy === undefined ? [] : [all[weightedBy]!]));
  if (selections.length === 0) return undefined;
  const logProbs = onPolicy
    ? selections.map((row) => row.oldLogProbs)
    : (await learner.logProbs(selections, { temperature })).map((scores) => scores.logProbs);
  let next = 0;
  return batch.map(({ weightedBy }) =>
    weightedBy === undefined ? 1 : Math.exp(logProbs[next++]!.reduce((a, b) => a + b, 0)),
  );
}

/** Makes the trainer's log-probabilities the row's old ones; how far the sampler's were is added up. */
function keepOld(row: Ready, trained: readonly number[], agreement: { mean: number; max: number }): void {
  trained.forEach((value, t) => {
    const difference = Math.abs(value - row.oldLogProbs[t]!);
    agreement.mean += difference;
    agreement.max = Math.max(agreement.max, difference);
  });
  row.oldLogProbs = trained;
}

function tokensOf(rows: readonly Row[]): number {
  return rows.reduce((sum, row) => sum + sampledLength(row), 0);
}

/** The metrics of an update from the sums over all tokens of its rows; those of a reference are absent without one. */
export function updateMetrics(sums: ObjectiveSums, has: { reference: boolean }): Metrics {
  const n = Math.max(1, sums.tokens);
  return {
    "loss/policy": sums.policyLoss / n,
    ...(has.reference ? { "loss/kl": sums.klLoss / n, kl_ref: sums.klRefK3 / n } : {}),
    entropy: sums.entropy / n,
    "kl_old/k1": sums.klOldK1 / n,
    "kl_old/k3": sums.klOldK3 / n,
    "clip/low": sums.clipLow / n,
    "clip/high": sums.clipHigh / n,
    "clip/dual": sums.clipDual / n,
    "clip/frac": (sums.clipLow + sums.clipHigh + sums.clipDual) / n,
    "ratio/mean": sums.ratio / n,
    "ratio/max": sums.ratioMax,
  };
}
