/** From a finished run's folder to a training record, after its beginning was played again. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fingerprintOf } from "../../agents/index.js";
import { duration, InputError, readJson } from "../../base/index.js";
import {
  canonicalJson,
  type Foundations,
  type KEPT,
  metricsOf,
  ownFolder,
  provenance,
  type TrainingRecord,
  type WriteOutcome,
  writeTrainingRecord,
} from "../../records/index.js";
import type { Environment } from "../../simulator/index.js";
import { type AnyRunKind, runKindOf } from "../kinds/index.js";
import { IterationClock } from "./clock.js";
import type { Metrics } from "./loop.js";
import { readOrigin, requireSame } from "./origin.js";
import { requirePlugins } from "./loaded-plugins.js";
import { RunFolder } from "./run-folder.js";

/** Larger models are not kept in a record: they would not belong in a repository. */
export const LARGEST_MODEL = 8_000_000;

export interface RecordRunOptions {
  /** Folder of the run. */
  readonly folder: string;
  /** The shop on which it ran; null for a kind of run that needs none. */
  readonly environment: Environment | null;
  /** Default: the model that the kind of run is for. */
  readonly kept?: (typeof KEPT)[number];
  /** Where the record goes. Default `runs`. */
  readonly runs?: string;
  /** Called before each step, with words for it. */
  readonly onStep?: (what: string) => void;
}

/** The configuration of a run's folder, with its kind. @throws InputError when it is none of this version */
export function readRunConfig(folder: string): { kind: AnyRunKind; config: object } {
  requirePlugins(`The run in ${folder}`, readOrigin(folder)?.plugins);
  const path = join(folder, "config.json");
  const value = readJson(path, "run's configuration");
  const kind = runKindOf(value, path);
  return { kind, config: kind.resolved(value, path) };
}

/** The same of a training record. */
export function recordedConfig({ identity, path }: TrainingRecord): { kind: AnyRunKind; config: object } {
  requirePlugins(`The training record ${path}`, identity.plugins);
  const kind = runKindOf(identity.config, path);
  return { kind, config: kind.resolved(identity.config, path) };
}

/**
 * Keeps a finished run as a training record. Its first iteration is run again from the start model, the shop and the
 * backend as they are now, and has to give the same metrics to the bit: a record is of what can be made again.
 * @throws InputError when the run is not finished, or does not follow from what it would be recorded with
 */
export async function recordRun(
  options: RecordRunOptions,
): Promise<{ record: TrainingRecord; outcome: WriteOutcome }> {
  const { folder, environment, runs = ownFolder, onStep } = options;
  const run = new RunFolder(folder);
  const progress = run.progress();
  if (!progress) throw new InputError(`There is no training run in ${folder}: it has no progress.json.`);
  const ended = existsSync(join(folder, "model"));
  if (ended) run.requireWhole(progress);
  const origin = readOrigin(folder);
  const { kind, config } = readRunConfig(folder);
  const { name, seed, iterations, unit, publish } = kind.facts(config);
  if (!ended) {
    throw new InputError(
      `The run in ${folder} has ${progress.iteration} of ${iterations} ${unit}s: finish it with --resume.`,
    );
  }
  const seconds = run.secondsOfFirst();
  onStep?.(`running its first ${unit} again${seconds > 0 ? `, about ${duration(seconds)}` : ""}`);
  const { now, result } = await replayBeginning(kind, config, environment, run.metrics(), (from) => {
    if (origin) requireSame(`The run in ${folder}`, origin, from);
  });
  const { kept = result } = options;
  if (kept === "last" && result === "best") {
    throw new InputError(
      `A run of kind ${kind.kind} keeps its best model alone: record it with --model best.`,
    );
  }
  if (kept === "best" && !progress.best) throw new InputError(`The run in ${folder} has no best model.`);
  const here = provenance(run.seconds(), environment?.tagger);
  onStep?.("writing the record");
  const model = join(folder, kept === "best" ? "best" : "model");
  const start = now.start.name;
  // A model that comes with the project is pointed at, not copied.
  const published =
    publish !== undefined && existsSync(publish) && fingerprintOf(publish) === fingerprintOf(model)
      ? { folder: publish, fingerprint: fingerprintOf(publish) }
      : null;
  return writeTrainingRecord(
    {
      identity: {
        kind: "training",
        version: 1,
        name,
        seed,
        config: { ...config, kind: kind.kind },
        ...now,
        kept,
      },
      iteration: kept === "best" ? progress.best!.iteration : progress.iteration,
      ...(published ? { model: published } : {}),
      files: new Map([
        ["metrics.jsonl", readFileSync(run.metricsFile)],
        ...(published ? [] : await modelFiles(model, start)),
      ]),
      provenance: origin ? { ...origin.provenance, seconds: here.seconds } : here,
    },
    runs,
  );
}

/**
 * Runs the first iteration of a configuration again.
 * @param metrics the run's own
 * @param check looks at what it begins from before that
 * @returns what it begins from, and which model the run is for
 * @throws InputError when it does not give the same metrics to the bit
 */
async function replayBeginning(
  kind: AnyRunKind,
  config: object,
  environment: Environment | null,
  metrics: readonly Metrics[],
  check: (from: Foundations) => void,
): Promise<{ now: Foundations; result: (typeof KEPT)[number] }> {
  const { currentBackend, useBackend } = await import("../../tensor/index.js");
  if (!currentBackend()) await useBackend("wasm");
  const out = mkdtempSync(join(tmpdir(), "aisle-replay-"));
  try {
    const { trainee, from } = await kind.open(config, environment, out);
    try {
      check(from);
      const own = iterationOne(metrics);
      const played = { iteration: 1, ...(await trainee.iterate(1, new IterationClock())) };
      // Metrics that were added to the code after the run are not compared.
      const again = Object.fromEntries(Object.entries(played).filter(([name]) => name in own));
      if (canonicalJson(again) === canonicalJson(own)) return { now: from, result: trainee.result };
      const { name, seed, unit } = kind.facts(config);
      throw new InputError(
        `The first ${unit} of ${name}, seed ${seed}, gives other metrics when it is run again: ` +
          `the code, the start model, the shop or the backend is not the one that it ran with. Train it again.`,
      );
    } finally {
      await trainee.dispose();
    }
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** The first iteration's metrics, without those of the dev goals. */
function iterationOne(metrics: readonly Metrics[]): Record<string, number> {
  const line = metrics.find((one) => one["iteration"] === 1) ?? {};
  return Object.fromEntries(Object.entries(line).filter(([name]) => !name.startsWith("dev/")));
}

/**
 * Checks a training record against the code, the models and the shop as they are: its foundations are compared and its first
 * iteration is run again, on the backend in use.
 * @throws InputError when something does not hold
 */
export async function checkTrainingRecord(
  record: TrainingRecord,
  environment: Environment | null,
): Promise<void> {
  const { kind, config } = recordedConfig(record);
  if (record.model && fingerprintOf(record.model.folder) !== record.model.fingerprint) {
    throw new InputError(
      `The training record ${record.path} cannot be used: ${record.model.folder} has changed.`,
    );
  }
  await replayBeginning(kind, config, environment, metricsOf(record), (from) =>
    requireSame(`The training record ${record.path}`, record.identity, from),
  );
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
