/**
 * A training run on disk: configuration, metrics, checkpoints, models. What is pointed at by `progress.json` is whole,
 * whenever the process was killed: a checkpoint is written beside, the pointer is moved, the old one is removed.
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError, readJson, writeFileWhole, writeJson } from "../../base/index.js";
import type { IterationTimes } from "./clock.js";
import type { Foundations } from "../../records/index.js";
import { readOrigin, requireSame, writeOrigin } from "./origin.js";

const Progress = z.strictObject({
  format: z.literal("aisle-run-1"),
  /** Iterations that the checkpoint contains. */
  iteration: z.number().int().nonnegative(),
  /** Folder of the checkpoint, in `checkpoints`. */
  checkpoint: z.string(),
  /** Best evaluation so far, and after how many iterations. */
  best: z.strictObject({ iteration: z.number().int(), score: z.number() }).nullable(),
});

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
    const parsed = Progress.safeParse(readJson(file, "run's progress"));
    if (!parsed.success) throw new InputError(`${file} is not the progress of a run of this version.`);
    return parsed.data;
  }

  /** Begins afresh: what lay here is removed. */
  begin(config: unknown, from: Foundations): void {
    rmSync(this.path, { recursive: true, force: true });
    mkdirSync(this.path, { recursive: true });
    writeJson(join(this.path, "config.json"), config);
    writeOrigin(this.path, from);
    writeFileWhole(this.metricsFile, "");
    writeFileWhole(join(this.path, "timing.jsonl"), "");
  }

  /**
   * Goes on from the last checkpoint: metrics of iterations that it does not contain are dropped.
   * @throws InputError when the run here was made by another configuration, or from another model, shop or backend.
   */
  goOn(config: unknown, progress: Progress, from: Foundations): void {
    const before = JSON.stringify(readJson(join(this.path, "config.json"), "run's configuration"));
    if (before !== JSON.stringify(JSON.parse(JSON.stringify(config)))) {
      throw new InputError(
        `The run in ${this.path} was begun with another configuration: give another --out, or --force to begin again.`,
      );
    }
    const origin = readOrigin(this.path);
    if (origin) requireSame(`The run in ${this.path}`, origin, from);
    for (const name of ["metrics.jsonl", "timing.jsonl"]) {
      const kept = readLines(join(this.path, name)).filter(
        (line) => (JSON.parse(line) as { iteration: number }).iteration <= progress.iteration,
      );
      writeFileWhole(join(this.path, name), kept.map((line) => `${line}\n`).join(""));
    }
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

  /** Where the time went, iteration by iteration; of a run of an older version, only what it noted. */
  times(): Partial<IterationTimes>[] {
    return readLines(join(this.path, "timing.jsonl")).map(
      (line) => JSON.parse(line) as Partial<IterationTimes>,
    );
  }

  /** How long the iterations took together, without what was lost to interruptions. */
  seconds(): number {
    return this.times().reduce(
      (sum, { rollout = 0, update = 0, evaluate = 0 }) => sum + rollout + update + evaluate,
      0,
    );
  }

  checkpointPath(name: string): string {
    return join(this.path, "checkpoints", name);
  }

  /** Points at a finished checkpoint and removes the others. */
  moveTo(progress: Progress): void {
    writeJson(join(this.path, "progress.json"), progress);
    const folder = join(this.path, "checkpoints");
    for (const name of readdirSync(folder)) {
      if (name !== progress.checkpoint) rmSync(join(folder, name), { recursive: true, force: true });
    }
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
