/**
 * The training loop that both kinds of run share: batch by step, measure, checkpoint, go on. A step's rows are a function of
 * the step's number alone, so that a run that was killed and resumed gives the same bytes as one that never stopped.
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError, interruptSignal, isAborted, readJson, writeJson } from "../base/index.js";
import { resumeCheckpoint, saveCheckpoint, type Scores, type Trainer } from "../policy/index.js";
import { rowLoss, supervisedLoss, type TaughtRow } from "./supervised.js";

/** What one step, or the steps since the last report, did. */
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

export interface LoopOptions {
  readonly trainer: Trainer;
  readonly steps: number;
  /** The rows of a step, numbered from 1. */
  rowsOf(step: number): readonly TaughtRow[];
  /** Measures the policy as it is. */
  measure(): Promise<Measurement>;
  readonly evaluateEvery: number;
  readonly checkpointEvery: number;
  /** Folder for checkpoints. */
  readonly folder: string;
  /** Names the run: a checkpoint of another one is refused. */
  readonly identity: string;
  readonly resume: boolean;
  readonly onStep?: (report: StepReport) => void;
  readonly onMeasured?: (measured: Measured) => void;
  /** Keeps the weights of a better measurement; the smaller the better. Absent: the last weights are the result. */
  readonly early?: {
    readonly patience: number | null;
    value(values: Measurement): number;
    /** Called when the value is the smallest so far. */
    keep(): void;
  };
  /** Ends the run after the step in progress, with a checkpoint. Default: in a notebook the signal of the cell, which then says so. */
  readonly signal?: AbortSignal;
}

/** How a run ended. */
export interface LoopResult {
  readonly steps: number;
  /** Every measurement, oldest first. */
  readonly measured: readonly Measured[];
  /** True when a signal ended it: it can be resumed. */
  readonly interrupted: boolean;
}

const Progress = z.strictObject({
  identity: z.string(),
  measured: z.array(z.strictObject({ step: z.number().int(), values: z.record(z.string(), z.number()) })),
});

/**
 * Trains from the beginning, or from the last checkpoint where `resume` says so and there is one.
 * @throws InputError when the checkpoint belongs to another run
 * @throws RunError when a loss is not finite or a checkpoint cannot be written
 */
export async function trainingLoop(options: LoopOptions): Promise<LoopResult> {
  const { trainer, steps, early } = options;
  // In a notebook without one: that of the cell.
  const signal = options.signal ?? interruptSignal();
  const measured = options.resume ? resumed(options) : [];
  if (!options.resume) rmSync(options.folder, { recursive: true, force: true });

  while (trainer.steps < steps && !isOver(measured, early)) {
    if (signal?.aborted) {
      if (!options.signal)
        process.stderr.write(
          `Interrupted: training stopped after step ${trainer.steps} of ${steps}; its checkpoint is in ${options.folder}, and resume goes on from it.\n`,
        );
      return { steps: trainer.steps, measured, interrupted: true };
    }
    const step = trainer.steps + 1;
    const rows = options.rowsOf(step);
    const update = await trainer.step(rows, supervisedLoss(rows));
    options.onStep?.({
      step,
      steps,
      learningRate: update.learningRate,
      gradNorm: update.gradNorm,
      losses: lossesOf(rows, update.scores),
      tokens: rows.reduce((sum, row) => sum + tokensOf(row), 0),
    });
    if (step % options.evaluateEvery === 0 || step === steps) {
      const one = { step, values: await options.measure() };
      const before = measured.map(({ values }) => early?.value(values) ?? 0);
      measured.push(one);
      if (early && before.every((value) => early.value(one.values) < value)) early.keep();
      options.onMeasured?.(one);
    }
    if (step % options.checkpointEvery === 0 || step === steps || (await isAborted(signal))) {
      checkpoint(options, measured);
    }
  }
  return { steps: trainer.steps, measured, interrupted: false };
}

/** Where the checkpoint of the run that makes the model `out` lies. */
export function checkpointFolder(out: string): string {
  return join(workFolder(out), "checkpoint");
}

/** Where the run that makes the model `out` keeps what it needs to go on. */
export function workFolder(out: string): string {
  return join("data", "training", out.replace(/[^\w.-]+/g, "-"));
}

/** Mean loss of each task's rows. */
export function lossesOf(rows: readonly TaughtRow[], scores: Scores): Record<string, number> {
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

/** Whether patience ran out. */
function isOver(measured: readonly Measured[], early: LoopOptions["early"]): boolean {
  if (!early || early.patience === null || measured.length === 0) return false;
  const values = measured.map((one) => early.value(one.values));
  return values.length - 1 - values.indexOf(Math.min(...values)) >= early.patience;
}

// The measurements are written before the weights: those that lie after the checkpoint are taken again.
function checkpoint({ folder, identity, trainer }: LoopOptions, measured: readonly Measured[]): void {
  writeJson(`${folder}.progress.json`, { identity, measured });
  saveCheckpoint(folder, trainer);
}

function resumed({ folder, identity, trainer }: LoopOptions): Measured[] {
  if (!existsSync(join(folder, "state.json"))) return [];
  const path = `${folder}.progress.json`;
  const parsed = Progress.safeParse(readJson(path, "run's progress"));
  if (!parsed.success || parsed.data.identity !== identity) {
    throw new InputError(
      `${folder} holds the checkpoint of another run: train without --resume, or with the configuration that made it.`,
    );
  }
  resumeCheckpoint(folder, trainer);
  return parsed.data.measured.filter(({ step }) => step <= trainer.steps);
}
