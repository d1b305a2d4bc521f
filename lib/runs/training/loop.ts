/** The one training loop of every kind of run: learn, measure, keep the best, save, go on to the same bits. */
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { interruptSignal, isAborted, writeFolderWhole } from "../../base/index.js";
import { resumeCheckpoint, saveCheckpoint, type Trainee } from "../../policy/index.js";
import type { Foundations } from "../../records/index.js";
import { IterationClock, type IterationTimes } from "./clock.js";
import { type Progress, RunFolder } from "./run-folder.js";

export type Metrics = Readonly<Record<string, number>>;

/** One iteration, finished. Metrics repeat to the bit; seconds do not and are kept separately. */
export interface IterationReport {
  readonly iteration: number;
  readonly iterations: number;
  readonly metrics: Metrics;
  readonly seconds: IterationTimes;
  /** Warnings from the curves, in words. */
  readonly warnings: readonly string[];
}

export interface LoopOptions {
  readonly trainee: Trainee<IterationClock>;
  /** The configuration, resolved: a run goes on only under the same. */
  readonly config: object;
  readonly from: Foundations;
  /** Folder of the run. */
  readonly out: string;
  /** Go on from the last checkpoint where there is one; otherwise begin afresh. */
  readonly resume: boolean;
  readonly onIteration?: ((report: IterationReport) => void) | undefined;
  /** Stops after the iteration that runs, with a checkpoint. Default: in a notebook the signal of the cell, which then says so. */
  readonly signal?: AbortSignal | undefined;
  /** Looks at the metrics so far and warns. */
  readonly warn?: (history: readonly Metrics[]) => readonly string[];
}

/** How a run ended. */
export interface LoopSummary {
  readonly iterations: number;
  /** False when a signal ended it: it can be gone on with. */
  readonly finished: boolean;
  /** The first and the last measurement. */
  readonly before: Metrics | null;
  readonly after: Metrics | null;
  readonly best: { readonly iteration: number; readonly score: number } | null;
  /** Folder of a model in Hugging Face's layout. */
  readonly model: string;
}

/**
 * Trains from the beginning, or from the last checkpoint where `resume` says so and there is one.
 * @throws InputError when what lies in the folder belongs to another run, or was changed since it was written
 * @throws RunError when a loss is not finite or a file cannot be written
 */
export async function trainingLoop(options: LoopOptions): Promise<LoopSummary> {
  const { trainee, config, from, out, onIteration, warn } = options;
  // In a notebook without one: that of the cell.
  const signal = options.signal ?? interruptSignal();
  const folder = new RunFolder(out);
  const earlier = options.resume ? folder.progress() : null;
  if (earlier) {
    folder.goOn(config, earlier, from);
    const checkpoint = folder.checkpointPath(earlier.checkpoint);
    resumeCheckpoint(checkpoint, trainee.trainer);
    trainee.restore?.(checkpoint);
  } else folder.begin(config, from);
  let progress: Position = earlier ?? { iteration: 0, best: null };
  const history = folder.metrics<Metrics>();
  const note = (metrics: Metrics): void => {
    folder.append("metrics.jsonl", metrics);
    history.push(metrics);
  };
  if (trainee.measuresFirst && progress.iteration === 0 && history.length === 0) {
    note({ iteration: 0, ...(await trainee.measure()) });
  }
  while (!isOver(trainee, progress.iteration, history)) {
    if (await isAborted(signal)) break;
    const iteration = progress.iteration + 1;
    const clock = new IterationClock();
    clock.rolledOut();
    const learned = await trainee.iterate(iteration, clock);
    clock.learned();
    const last = iteration === trainee.iterations;
    const measured = iteration % trainee.measureEvery === 0 || last ? await trainee.measure() : null;
    const metrics: Metrics = { iteration, ...learned, ...measured };
    const seconds = clock.end();
    note(metrics);
    folder.append("timing.jsonl", { iteration, ...seconds });
    const warnings = warn?.(history.filter((one) => (one["iteration"] ?? 0) > 0)) ?? [];
    onIteration?.({ iteration, iterations: trainee.iterations, metrics, seconds, warnings });
    progress = { ...progress, iteration };
    const quality = measured ? trainee.quality?.(measured) : undefined;
    if (quality !== undefined && quality > (progress.best?.score ?? -Infinity)) {
      const files = folder.noteBest((part) => trainee.save(part));
      progress = { ...progress, best: { iteration, score: quality, files } };
    }
    const stops = (await isAborted(signal)) || isOver(trainee, iteration, history);
    if (iteration % trainee.checkpointEvery === 0 || stops) saveAt(folder, trainee, progress);
  }
  const finished = isOver(trainee, progress.iteration, history);
  if (!finished && !options.signal) {
    process.stderr.write(
      `Interrupted: training stopped after iteration ${progress.iteration} of ${trainee.iterations}; ` +
        `its checkpoint is in ${out}, and resume goes on from it.\n`,
    );
  }
  const model = join(out, "model");
  if (finished) {
    writeFolderWhole(model, "config.json", (part) => {
      if (trainee.result === "last") trainee.save(part);
      else cpSync(join(out, "best"), part, { recursive: true });
    });
    folder.finish();
  }
  const measurements = history.filter(isMeasured);
  return {
    iterations: progress.iteration,
    finished,
    before: measurements[0] ?? null,
    after: measurements.at(-1) ?? null,
    best: progress.best && { iteration: progress.best.iteration, score: progress.best.score },
    model: finished || !existsSync(join(out, "best")) ? model : join(out, "best"),
  };
}

type Position = Pick<Progress, "iteration" | "best">;

function saveAt(folder: RunFolder, { trainer, state }: Trainee<never>, position: Position): void {
  const { iteration, best } = position;
  const checkpoint = `iteration-${String(iteration).padStart(6, "0")}`;
  saveCheckpoint(folder.checkpointPath(checkpoint), trainer, state?.());
  folder.moveTo({ iteration, best, checkpoint });
}

/** Whether the last iteration is done, or patience ran out. */
function isOver(trainee: Trainee<never>, iteration: number, history: readonly Metrics[]): boolean {
  if (iteration >= trainee.iterations) return true;
  const { patience = null } = trainee;
  if (patience === null || !trainee.quality) return false;
  const qualities = history.filter(isMeasured).map((one) => trainee.quality!(one));
  return qualities.length > 0 && qualities.length - 1 - qualities.indexOf(Math.max(...qualities)) >= patience;
}

function isMeasured(metrics: Metrics): boolean {
  return Object.keys(metrics).some((name) => name.startsWith("dev/"));
}
