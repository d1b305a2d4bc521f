/** From a finished run's folder to a training record, after its beginning was played again. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../../base/index.js";
import { provenance, runsFolder, type WriteOutcome } from "../records/index.js";
import type { Environment } from "../../simulator/index.js";
import { type GrpoRun, readGrpoRun } from "./grpo-config.js";
import { runGrpo } from "./grpo-run.js";
import { foundationsOf, readOrigin, requireSame } from "./origin.js";
import { type KEPT, type TrainingRecord, writeTrainingRecord } from "./record.js";
import { RunFolder } from "./run-folder.js";

/** Larger models are not kept in a record: they would not belong in a repository. */
export const LARGEST_MODEL = 8_000_000;

export interface RecordRunOptions {
  /** Folder of the run. */
  readonly folder: string;
  /** The shop on which it ran. */
  readonly environment: Environment;
  readonly kept: (typeof KEPT)[number];
  /** Where records live. Default `data/runs`. */
  readonly runs?: string;
  /** Called before each step, with words for it. */
  readonly onStep?: (what: string) => void;
}

/**
 * Keeps a finished run as a training record. Its first iteration is run again from the start model, the shop and the
 * backend as they are now, and has to give the same metrics to the bit: a record is of what can be made again.
 * @throws InputError when the run is not finished, or does not follow from what it would be recorded with
 */
export async function recordRun(
  options: RecordRunOptions,
): Promise<{ record: TrainingRecord; outcome: WriteOutcome }> {
  const { folder, environment, kept, runs = runsFolder, onStep } = options;
  const run = new RunFolder(folder);
  const progress = run.progress();
  if (!progress) throw new InputError(`There is no training run in ${folder}: it has no progress.json.`);
  const config = readGrpoRun(join(folder, "config.json"));
  if (progress.iteration < config.iterations) {
    throw new InputError(
      `The run in ${folder} has ${progress.iteration} of ${config.iterations} iterations: finish it with --resume.`,
    );
  }
  if (kept === "best" && !progress.best) throw new InputError(`The run in ${folder} has no best model.`);

  const { currentBackend, useBackend } = await import("../../policy/index.js");
  if (!currentBackend()) await useBackend("wasm");
  const now = foundationsOf(config.model, environment.catalogue, currentBackend()!);
  const origin = readOrigin(folder);
  if (origin) requireSame(`The run in ${folder}`, origin, now);
  onStep?.("running its first iteration again");
  await replayBeginning(config, environment, run);

  const { seed, name } = config;
  const settings: Record<string, unknown> = { ...config };
  const seconds = run.seconds();
  const here = provenance(seconds);
  onStep?.("writing the record");
  return writeTrainingRecord(
    {
      identity: { kind: "training", version: 1, name, seed, config: settings, ...now, kept },
      iteration: kept === "best" ? progress.best!.iteration : progress.iteration,
      files: new Map([
        ["metrics.jsonl", readFileSync(run.metricsFile)],
        ...(await modelFiles(join(folder, kept === "best" ? "best" : "model"), config.model)),
      ]),
      provenance: origin ? { ...origin.provenance, seconds: here.seconds } : here,
    },
    runs,
  );
}

/** @throws InputError when the first iteration, run again, does not give the run's own metrics. */
export async function replayBeginning(
  config: GrpoRun,
  environment: Environment,
  run: { metricsLines(): string[] },
): Promise<void> {
  const out = mkdtempSync(join(tmpdir(), "aisle-replay-"));
  try {
    const controller = new AbortController();
    await runGrpo({
      config,
      environment,
      out,
      resume: false,
      signal: controller.signal,
      onIteration: () => controller.abort(),
    });
    const again = new RunFolder(out).metricsLines();
    const own = run.metricsLines().slice(0, again.length);
    const at = again.findIndex((line, i) => line !== own[i]);
    if (at >= 0) {
      throw new InputError(
        `Iteration ${at} of ${config.name}, seed ${config.seed}, gives other metrics when it is run again: ` +
          `the code, the start model, the shop or the backend is not the one that it ran with. Train it again.`,
      );
    }
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** The files of a model folder in bfloat16, by their path in a record; none when the weights are larger than 8 MB. */
async function modelFiles(folder: string, start: string): Promise<[string, Uint8Array][]> {
  const { copyTokenizer, loadAdapted, parameterCount, saveAdapter, saveModel } =
    await import("../../policy/index.js");
  if (!existsSync(folder)) throw new InputError(`The run has no model in ${folder}.`);
  const { model, adapter } = loadAdapted(folder);
  const part = mkdtempSync(join(tmpdir(), "aisle-model-"));
  try {
    if (adapter) saveAdapter(part, adapter, start);
    else if (2 * parameterCount(model.config) > LARGEST_MODEL) return [];
    else saveModel(part, model, { dtype: "BF16" });
    copyTokenizer(folder, part);
    const files = readdirSync(part)
      .sort()
      .map((name): [string, Uint8Array] => [`model/${name}`, readFileSync(join(part, name))]);
    return files.some(([, bytes]) => bytes.length > LARGEST_MODEL) ? [] : files;
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}
