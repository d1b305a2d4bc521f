/**
 * A training run on disk: configuration, metrics, checkpoints, models. What is pointed at by `progress.json` is whole,
 * whenever the process was killed: a checkpoint is written beside, the pointer is moved, the old one is removed.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import {
  canonicalJson,
  folderSums,
  InputError,
  readJson,
  readSealed,
  requireSums,
  sha256,
  writeFileWhole,
  writeFolderWhole,
  writeJson,
  writeSealed,
} from "../../base/index.js";
import type { IterationTimes } from "./clock.js";
import type { Foundations } from "../../records/index.js";
import { readOrigin, requireSame, writeOrigin } from "./origin.js";

const FORMAT = "aisle-run-2";

const Progress = z.strictObject({
  format: z.literal(FORMAT),
  /** Iterations that the checkpoint contains. */
  iteration: z.number().int().nonnegative(),
  /** Folder of the checkpoint, in `checkpoints`. */
  checkpoint: z.string(),
  /** Best measurement so far, after how many iterations, and the SHA-256 of its model's files. */
  best: z
    .strictObject({
      iteration: z.number().int(),
      score: z.number(),
      files: z.record(z.string(), z.string()),
    })
    .nullable(),
  /** How long `metrics.jsonl` was when the checkpoint was written, and the SHA-256 of so many bytes. */
  metrics: z.strictObject({ bytes: z.number().int().nonnegative(), sha256: z.string() }),
  /** The SHA-256 of the run's configuration, and of its model where it is finished; runs of older versions do not say. */
  files: z.record(z.string(), z.string()).default({}),
});

/** `origin.json` says when it was written: what of it counts is compared with what is there when the run is used. */
const CONFIG = "config.json";

export type Progress = z.infer<typeof Progress>;

export class RunFolder {
  constructor(readonly path: string) {}

  get metricsFile(): string {
    return join(this.path, "metrics.jsonl");
  }

  /** How far the run is, or null when it has not begun. @throws InputError when the file is not what it should be. */
  progress(): Progress | null {
    const file = join(this.path, "progress.json");
    if (!existsSync(file)) return null;
    const parsed = Progress.safeParse(readSealed(file, "run's progress"));
    if (!parsed.success) throw new InputError(`${file} is not the progress of a run of this version.`);
    return parsed.data;
  }

  /** Begins afresh: what lay here is removed. */
  begin(config: unknown, from: Foundations): void {
    rmSync(this.path, { recursive: true, force: true });
    mkdirSync(this.path, { recursive: true });
    writeJson(join(this.path, CONFIG), config);
    writeOrigin(this.path, from);
    writeFileWhole(this.metricsFile, "");
    writeFileWhole(join(this.path, "timing.jsonl"), "");
  }

  /**
   * Goes on from the last checkpoint: metrics of iterations that it does not contain are dropped.
   * @throws InputError when the run here was made by another configuration, or from another model, shop or backend, or its
   *   metrics were changed since they were written.
   */
  goOn(config: unknown, progress: Progress, from: Foundations): void {
    const before = JSON.stringify(readJson(join(this.path, CONFIG), "run's configuration"));
    if (before !== JSON.stringify(JSON.parse(JSON.stringify(config)))) {
      throw new InputError(
        `The run in ${this.path} was begun with another configuration: give another --out, or --force to begin again.`,
      );
    }
    const origin = readOrigin(this.path);
    if (origin) requireSame(`The run in ${this.path}`, origin, from);
    this.settle(progress);
    writeFileWhole(this.metricsFile, this.keptMetrics(progress));
    const times = readLines(join(this.path, "timing.jsonl")).filter(
      (line) => iterationOf(line) <= progress.iteration,
    );
    writeFileWhole(join(this.path, "timing.jsonl"), times.map((line) => `${line}\n`).join(""));
  }

  /** The metrics that a checkpoint contains, as they were written. @throws InputError when they are not */
  keptMetrics({ metrics: { bytes, sha256: sum } }: Progress): Buffer {
    const kept = existsSync(this.metricsFile) ? readFileSync(this.metricsFile).subarray(0, bytes) : null;
    if (kept?.length !== bytes || sha256(kept) !== sum) {
      throw new InputError(
        `${this.metricsFile} was changed since it was written: restore it, or begin the run again.`,
      );
    }
    return kept;
  }

  append(name: "metrics.jsonl" | "timing.jsonl", line: object): void {
    appendFileSync(join(this.path, name), `${JSON.stringify(line)}\n`);
  }

  /** The metrics so far, oldest first. */
  metrics<T>(): T[] {
    return this.metricsLines().map((line) => JSON.parse(line) as T);
  }

  /** The same as they stand in the file, to be compared to the bit. */
  metricsLines(): string[] {
    return readLines(this.metricsFile);
  }

  /** The times, iteration by iteration; of a run of an older version, only what it noted. */
  times(): Partial<IterationTimes>[] {
    return readLines(join(this.path, "timing.jsonl"))
      .filter((line) => iterationOf(line) < Infinity) // what took how long decides nothing: a damaged line is passed over
      .map((line) => JSON.parse(line) as Partial<IterationTimes>);
  }

  /** How long the iterations took together, without what was lost to interruptions. */
  seconds(): number {
    return this.times().reduce(
      (sum, { rollout = 0, update = 0, evaluate = 0 }) => sum + rollout + update + evaluate,
      0,
    );
  }

  /** Seconds that its first iteration took; 0 where nothing was timed. */
  secondsOfFirst(): number {
    const { rollout = 0, update = 0 } = this.times()[0] ?? {};
    return rollout + update;
  }

  checkpointPath(name: string): string {
    return join(this.path, "checkpoints", name);
  }

  /**
   * Keeps a model that measured best. It takes the place of the last one only when a checkpoint knows of it: whoever goes on from the
   * checkpoint before needs the best model of that one.
   * @returns the SHA-256 of its files
   */
  noteBest(save: (part: string) => void): Record<string, string> {
    writeFolderWhole(this.nextBest, "config.json", save);
    return folderSums(this.nextBest);
  }

  private get best(): string {
    return join(this.path, "best");
  }

  private get nextBest(): string {
    return join(this.path, "best-next");
  }

  private replaceBest(): void {
    if (!existsSync(this.nextBest)) return;
    rmSync(this.best, { recursive: true, force: true }); // the next one is whole, and progress names its files
    renameSync(this.nextBest, this.best);
  }

  /**
   * Ends or takes back what a kill cut off.
   * @throws InputError when the best model is not the one that was measured
   */
  private settle({ best, checkpoint }: Progress): void {
    for (const name of readdirSync(this.path)) {
      if (/\.(?:part|old)$/.test(name)) rmSync(join(this.path, name), { recursive: true });
    }
    this.removeOthers(checkpoint);
    if (existsSync(this.nextBest)) {
      const named = best !== null && canonicalJson(folderSums(this.nextBest)) === canonicalJson(best.files);
      if (named) this.replaceBest();
      else rmSync(this.nextBest, { recursive: true });
    }
    if (best) requireSums(this.best, best.files);
  }

  private removeOthers(checkpoint: string): void {
    const folder = join(this.path, "checkpoints");
    for (const name of readdirSync(folder)) {
      if (name !== checkpoint) rmSync(join(folder, name), { recursive: true, force: true });
    }
  }

  /** Points at a finished checkpoint, puts its best model in place and removes the other checkpoints. */
  moveTo(position: Pick<Progress, "iteration" | "checkpoint" | "best">): void {
    const written = readFileSync(this.metricsFile);
    const progress: Progress = {
      format: FORMAT,
      ...position,
      metrics: { bytes: written.length, sha256: sha256(written) },
      files: { [CONFIG]: this.configSum() },
    };
    this.note(progress);
    this.replaceBest();
    this.removeOthers(position.checkpoint);
  }

  /** Whether the run's model is in its place, and its sums are noted. */
  isFinished(): boolean {
    const noted = Object.keys(this.progress()?.files ?? {});
    return noted.some((name) => name.startsWith("model/"));
  }

  /** Notes that the run's model is in its place. */
  finish(): void {
    const progress = this.progress();
    if (!progress) return;
    const model = folderSums(join(this.path, "model"));
    const named = Object.entries(model).map(([name, sum]) => [`model/${name}`, sum]);
    this.note({ ...progress, files: { [CONFIG]: this.configSum(), ...Object.fromEntries(named) } });
  }

  /**
   * Holds everything that a run's numbers come from, but for its checkpoint, to its sums.
   * @throws InputError naming the first file that is missing or was changed
   */
  requireWhole(progress: Progress): void {
    this.keptMetrics(progress);
    requireSums(this.path, progress.files);
    if (progress.best) requireSums(this.best, progress.best.files);
  }

  /** In one order, whoever noted it: a run that was killed and went on leaves the same bytes. */
  private note({ format, iteration, checkpoint, best, metrics, files }: Progress): void {
    writeSealed(join(this.path, "progress.json"), { format, iteration, checkpoint, best, metrics, files });
  }

  private configSum(): string {
    return sha256(readFileSync(join(this.path, CONFIG)));
  }
}

/** The iteration of a line of times; Infinity where it is not a line any more. */
function iterationOf(line: string): number {
  try {
    const { iteration } = JSON.parse(line) as { iteration: unknown };
    return typeof iteration === "number" ? iteration : Infinity;
  } catch {
    return Infinity;
  }
}

/** Complete lines: a last line that was cut off by a kill is dropped. */
function readLines(file: string): string[] {
  if (!existsSync(file)) return [];
  const text = readFileSync(file, "utf8");
  return text
    .slice(0, text.lastIndexOf("\n") + 1)
    .split("\n")
    .filter((line) => line !== "");
}
