/** Carrying out one run of a sweep: training with checkpoints where it trains, then its run record. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import {
  multiTurnFolderAgent,
  type Agent,
  agentNamed,
  fingerprintOf,
  localCompleter,
  promptedAgent,
} from "../../agents/index.js";
import {
  checkpointFolder,
  imitate,
  type ImitateConfig,
  parseImitationConfig,
} from "../../imitation/index.js";
import { defaultCatalogue, openEnvironment, splitRanges } from "../../simulator/index.js";
import { evaluate } from "../evaluate.js";
import { parseGrpoRun, RunFolder, runGrpo } from "../training/index.js";
import { holdFolder } from "./hold.js";
import { evaluateBase, runFolder, type SweepRun, trainingKey } from "./plan.js";

/** How far a run is. */
export interface RunProgress {
  /** Share that is done, in [0, 1]. */
  readonly done: number;
  /** What it is at, in a few words. */
  readonly at: string;
}

/** Where a sweep's runs put what they make. */
export interface SweepPlaces {
  /** Folder of checkpoints, metrics and models; one folder a run. */
  readonly out: string;
  /** Folder of run records. */
  readonly runs: string;
}

/** A run record as bytes, so that it can be sent to another machine: its files by name, in base64. */
export interface ShippedRecord {
  readonly id: string;
  readonly files: Readonly<Record<string, string>>;
}

/**
 * Carries out a run, from its last checkpoint where there is one. A finished run is only read: doing it twice changes
 * nothing.
 * @returns its run records
 * @throws InputError when its configuration does not fit what is on this machine
 */
export async function carryOut(
  run: SweepRun,
  places: SweepPlaces,
  onProgress: (progress: RunProgress) => void = () => {},
): Promise<ShippedRecord[]> {
  const release = await holdFolder(runFolder(places.out, run));
  try {
    if (run.kind === "evaluate") return await record(run, null, places, onProgress);
    const trained = await train(run, places, onProgress);
    if (!trained) return [];
    try {
      return await record(run, trained.agent, places, onProgress);
    } finally {
      await trained.dispose();
    }
  } finally {
    release();
  }
}

/** Trains, unless that is done, and returns what the run's model plays as; null where no test goals are wanted. */
async function train(
  run: SweepRun,
  places: SweepPlaces,
  onProgress: (progress: RunProgress) => void,
): Promise<{ agent: Agent; dispose: () => Promise<void> } | null> {
  const out = runFolder(places.out, run);
  const { currentBackend, selectBackend } = await import("../../tensor/index.js");
  const { loadAdapter, loadModel, loadTokenizer } = await import("../../model/index.js");
  const { gathered, Policy } = await import("../../policy/index.js");
  await selectBackend({ requested: process.env["AISLE_BACKEND"] });
  const model = run.kind === "grpo" ? join(out, "model") : out;
  if (run.kind === "grpo") await trainGrpo(run, out, onProgress);
  else await trainByImitation(run, out, onProgress);
  if (run.testGoals === null) return null;

  const held = (agent: Agent): Agent => ({
    ...agent,
    settings: { ...agent.settings, training: trainingKey(run.config) },
  });
  const name = `${run.variant}-s${run.seed}`; // not the folder: where it lies decides nothing
  const config = run.kind === "grpo" ? parseGrpoRun(run.config, run.id) : null;
  if (config?.multiTurn) {
    const agent = await multiTurnFolderAgent(run.variant, model, "its run should have left it", {
      ...config.multiTurn,
      maxTokens: config.learner.sampling.maxTokens,
      modelName: run.variant,
    });
    return { agent: { ...held(agent), model: { ...agent.model!, name } }, dispose: () => Promise.resolve() };
  }
  const files = loadModel(model);
  const tokenizer = await loadTokenizer(model, files.config);
  const adapter = existsSync(join(model, "adapter_config.json")) ? loadAdapter(model, files.config) : null;
  const policy = await Policy.create(files, { train: "nothing", ...(adapter ? { adapter } : {}) });
  const made = { name, fingerprint: fingerprintOf(model), backend: currentBackend()! };
  const options = config?.options ?? "match";
  const completer = localCompleter(gathered(policy), tokenizer, run.variant);
  const agent = promptedAgent(run.variant, completer, { options }, made);
  return { agent: held(agent), dispose: () => policy.dispose() };
}

async function trainGrpo(
  run: SweepRun,
  out: string,
  onProgress: (progress: RunProgress) => void,
): Promise<void> {
  const config = parseGrpoRun(run.config, run.id);
  const done = new RunFolder(out).progress()?.iteration ?? 0;
  if (done >= config.iterations && existsSync(join(out, "model", "config.json"))) return;
  onProgress({ done: done / config.iterations, at: done > 0 ? `goes on after iteration ${done}` : "begins" });
  const catalogue = await defaultCatalogue(config.data ?? undefined);
  try {
    await runGrpo({
      config,
      environment: openEnvironment(catalogue),
      out,
      resume: true,
      onIteration: ({ iteration, iterations, metrics }) =>
        onProgress({
          done: iteration / iterations,
          at: `iteration ${iteration} of ${iterations}, return ${(metrics["return/mean"] ?? NaN).toFixed(3)}`,
        }),
    });
  } finally {
    catalogue.close();
  }
}

async function trainByImitation(
  run: SweepRun,
  out: string,
  onProgress: (progress: RunProgress) => void,
): Promise<void> {
  const config = parseImitationConfig({ ...run.config, out }, run.id) as ImitateConfig;
  const begun = existsSync(checkpointFolder(out));
  if (!begun && existsSync(join(out, "config.json"))) return;
  onProgress({ done: 0, at: begun ? "goes on" : "begins" });
  const catalogue = await defaultCatalogue(config.data);
  try {
    await imitate(config, catalogue, {
      workers: 0,
      resume: true,
      onStep: ({ step, steps }) => onProgress({ done: step / steps, at: `step ${step} of ${steps}` }),
    });
  } finally {
    catalogue.close();
  }
}

/** Plays the goals that make the run's record. */
async function record(
  run: SweepRun,
  agent: Agent | null,
  places: SweepPlaces,
  onProgress: (progress: RunProgress) => void,
): Promise<ShippedRecord[]> {
  const asked =
    run.kind === "evaluate"
      ? evaluateBase.parse(run.config)
      : {
          split: "test" as const,
          goals: run.testGoals,
          data: (run.config["data"] as string | null) ?? null,
          agent: "",
        };
  const catalogue = await defaultCatalogue(asked.data ?? undefined);
  try {
    const { start, end } = splitRanges(catalogue.goalCount)[asked.split];
    const { record } = await evaluate({
      agent: agent ?? (await agentNamed(asked.agent)),
      environment: openEnvironment(catalogue),
      split: asked.split,
      goals: { first: start, count: Math.min(end - start, asked.goals ?? Infinity) },
      seeds: [run.seed],
      runs: places.runs,
      onEpisode: (done, total) => onProgress({ done: done / total, at: `goal ${done} of ${total}` }),
    });
    return [ship(record.path)];
  } finally {
    catalogue.close();
  }
}

/** A record's folder as bytes. */
export function ship(path: string): ShippedRecord {
  const names = readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [entry.name] : [],
  );
  return {
    id: basename(path),
    files: Object.fromEntries(
      names.sort().map((name) => [name, readFileSync(join(path, name)).toString("base64")]),
    ),
  };
}
