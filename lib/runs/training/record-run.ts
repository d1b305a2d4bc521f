/** From a finished run's folder to a training record, after its beginning was played again. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../../base/index.js";
import {
  canonicalJson,
  type KEPT,
  metricsOf,
  ownFolder,
  provenance,
  type TrainingRecord,
  type WriteOutcome,
  writeTrainingRecord,
} from "../../records/index.js";
import type { Environment } from "../../simulator/index.js";
import { type GrpoRun, resolvedGrpoRun, readGrpoRun } from "./grpo-config.js";
import { runGrpo } from "./grpo-run.js";
import { foundationsOf, readOrigin, requireSame } from "./origin.js";
import { RunFolder } from "./run-folder.js";

/** Larger models are not kept in a record: they would not belong in a repository. */
export const LARGEST_MODEL = 8_000_000;

export interface RecordRunOptions {
  /** Folder of the run. */
  readonly folder: string;
  /** The shop on which it ran. */
  readonly environment: Environment;
  readonly kept: (typeof KEPT)[number];
  /** Where the record goes. Default `runs`. */
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
  const { folder, environment, kept, runs = ownFolder, onStep } = options;
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

  const { currentBackend, useBackend } = await import("../../tensor/index.js");
  if (!currentBackend()) await useBackend("wasm");
  const now = foundationsOf(config.model, environment.catalogue, currentBackend()!);
  const origin = readOrigin(folder);
  if (origin) requireSame(`The run in ${folder}`, origin, now);
  onStep?.("running its first iteration again");
  await replayBeginning(config, environment, run.metrics());

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

/**
 * Runs the first iteration of a configuration again, without the dev goals.
 * @param metrics the run's own
 * @throws InputError when it does not give the same metrics to the bit
 */
export async function replayBeginning(
  config: GrpoRun,
  environment: Environment,
  metrics: readonly Readonly<Record<string, number>>[],
): Promise<void> {
  const out = mkdtempSync(join(tmpdir(), "aisle-replay-"));
  try {
    const controller = new AbortController();
    await runGrpo({
      config: { ...config, evaluate: { every: config.iterations + 1, goals: 1 } },
      environment,
      out,
      resume: false,
      signal: controller.signal,
      onIteration: () => controller.abort(),
    });
    const own = iterationOne(metrics);
    // Metrics that came after the run are not held against it.
    const again = Object.fromEntries(
      Object.entries(iterationOne(new RunFolder(out).metrics())).filter(([name]) => name in own),
    );
    if (canonicalJson(again) !== canonicalJson(own)) {
      throw new InputError(
        `The first iteration of ${config.name}, seed ${config.seed}, gives other metrics when it is run again: ` +
          `the code, the start model, the shop or the backend is not the one that it ran with. Train it again.`,
      );
    }
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** The first iteration's metrics, without those of the dev goals. */
function iterationOne(metrics: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const line = metrics.find(({ iteration }) => iteration === 1) ?? {};
  return Object.fromEntries(Object.entries(line).filter(([name]) => !name.startsWith("dev/")));
}

/**
 * Checks a training record against the code, the models and the shop as they are: its foundations are compared and its first
 * iteration is run again, on the backend in use.
 * @throws InputError when something does not hold
 */
export async function checkTrainingRecord(record: TrainingRecord, environment: Environment): Promise<void> {
  const { currentBackend } = await import("../../tensor/index.js");
  const config = resolvedGrpoRun(record.identity.config, record.path);
  const now = foundationsOf(config.model, environment.catalogue, currentBackend() ?? "wasm");
  requireSame(`The training record ${record.path}`, record.identity, now);
  await replayBeginning(config, environment, metricsOf(record));
}

/** The files of a model folder in bfloat16, by their path in a record; none when the weights are larger than 8 MB. */
async function modelFiles(folder: string, start: string): Promise<[string, Uint8Array][]> {
  const { copyTokenizer, loadAdapted, parameterCount, saveAdapter, saveModel } =
    await import("../../model/index.js");
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
