/** One step of supervised learning, as a report and as metrics: what imitation and pretraining have in common. */
import { join } from "node:path";
import type { TokenScores } from "../objective/index.js";
import type { Trainer } from "../policy/index.js";
import { byRow, rowLoss, sequencesOf, supervisedLoss, type TaughtRow } from "./supervised.js";

/** The result of one step. */
export interface StepReport {
  readonly step: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly gradNorm: number;
  /** Mean loss of each task's rows, without their weights. */
  readonly losses: Readonly<Record<string, number>>;
  readonly tokens: number;
}

/** Numbers measured on goals that are not trained on. */
export type Measurement = Readonly<Record<string, number>>;

/** A measurement and when it was taken. */
export interface Measured {
  readonly step: number;
  readonly values: Measurement;
}

/**
 * Learns from the rows of a step.
 * @param steps length of the run
 * @throws RunError when the loss is not finite
 */
export async function supervisedStep(
  trainer: Trainer,
  rows: readonly TaughtRow[],
  steps: number,
): Promise<StepReport> {
  const step = trainer.steps + 1;
  const update = await trainer.step(sequencesOf(rows), supervisedLoss(rows));
  return {
    step,
    steps,
    learningRate: update.learningRate,
    gradNorm: update.gradNorm,
    losses: lossesOf(rows, byRow(rows, update.scores)),
    tokens: rows.reduce((sum, row) => sum + tokensOf(row), 0),
  };
}

/** A step's report as a run's metrics. */
export function stepMetrics({ learningRate, gradNorm, losses, tokens }: StepReport): Record<string, number> {
  return {
    learning_rate: learningRate,
    grad_norm: gradNorm,
    tokens,
    ...Object.fromEntries(
      Object.keys(losses)
        .sort()
        .map((task) => [`loss/${task}`, losses[task]!]),
    ),
  };
}

/** A measurement as a run's metrics. */
export function measuredMetrics(values: Measurement): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`dev/${name}`, value]));
}

/** The same back; null where nothing was measured. */
export function measurementIn(metrics: Readonly<Record<string, number>>): Measurement | null {
  const values = Object.entries(metrics).filter(([name]) => name.startsWith("dev/"));
  return values.length > 0 ? Object.fromEntries(values.map(([name, value]) => [name.slice(4), value])) : null;
}

/** Where the run that makes the model `out` keeps its checkpoints and metrics. */
export function workFolder(out: string): string {
  return join("data", "training", out.replace(/[^\w.-]+/g, "-"));
}

/** Mean loss of each task's rows. */
export function lossesOf(
  rows: readonly TaughtRow[],
  scores: readonly (readonly TokenScores[])[],
): Record<string, number> {
  const sums = new Map<string, { loss: number; rows: number }>();
  rows.forEach((row, i) => {
    const sum = sums.get(row.task) ?? { loss: 0, rows: 0 };
    sums.set(row.task, { loss: sum.loss + rowLoss(row, scores[i]!), rows: sum.rows + 1 });
  });
  return Object.fromEntries([...sums].map(([task, sum]) => [task, sum.loss / sum.rows]));
}

function tokensOf({ prompt, completions }: TaughtRow): number {
  return completions.reduce((sum, { ids }) => sum + ids.length, prompt.length);
}
