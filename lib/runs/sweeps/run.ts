/** Carrying out one run of a sweep: training with checkpoints where it trains, then its run record. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Agent } from "../../agents/index.js";
import { holdFolder } from "../../base/index.js";
import { defaultCatalogue, openEnvironment, splitRanges } from "../../simulator/index.js";
import { evaluate } from "../evaluate.js";
import { agentOf } from "../agent-of.js";
import { modelFolder, runKindOf, trainKind } from "../kinds/index.js";
import { loadPlugins } from "../plugins.js";
import { RunFolder } from "../training/index.js";
import { evaluateBase, runFolder, type SweepRun, trainingKey } from "./plan.js";

/** How far a run is. */
export interface RunProgress {
  /** Fraction that is done, in [0, 1]. */
  readonly done: number;
  /** The current stage, in a few words. */
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
  await loadPlugins(run.plugins ?? []);
  // A worker that counts as lost may still be finishing an iteration; one whose machine is gone never will.
  const release = await holdFolder(runFolder(places.out, run), { takeSilent: 600_000 });
  try {
    if (run.kind === "evaluate") return await record(run, null, places, onProgress);
    const agent = await train(run, places, onProgress);
    if (!agent) return [];
    try {
      return await record(run, agent, places, onProgress);
    } finally {
      await agent.dispose?.();
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
): Promise<Agent | null> {
  const out = runFolder(places.out, run);
  const kind = runKindOf(run.config, run.id);
  const config = kind.parse(kind.placed?.(run.config, out) ?? run.config, run.id);
  const model = modelFolder(out);
  const { iterations, unit } = kind.facts(config);
  const folder = new RunFolder(out);
  const done = folder.progress()?.iteration ?? 0;
  // A model whose sums are not noted was left by a run that was killed just then: going on notes them.
  if (!existsSync(model) || !folder.isFinished()) {
    onProgress({ done: done / iterations, at: done > 0 ? `goes on after ${unit} ${done}` : "begins" });
    await trainKind(kind, config, {
      out,
      resume: true,
      onIteration: ({ iteration, metrics }) =>
        onProgress({
          done: iteration / iterations,
          at: `${unit} ${iteration} of ${iterations}, ${briefly(metrics)}`,
        }),
    });
  }
  if (run.testGoals === null) return null;
  const agent = await kind.agentOf(config, model, {
    shownAs: run.variant,
    modelName: run.variant,
    expected: "its run should have left it",
  });
  const name = `${run.variant}-s${run.seed}`; // not the folder: where it lies decides nothing
  const settings = { ...agent.settings, training: trainingKey(run.config) };
  return { ...agent, settings, model: { ...agent.model!, name } };
}

/** The first number that a run's metrics are about. */
function briefly(metrics: Readonly<Record<string, number>>): string {
  const name = Object.keys(metrics).find((one) => one === "return/mean" || one.startsWith("loss/")) ?? "";
  return `${name.replace(/\W+/g, " ")} ${(metrics[name] ?? NaN).toFixed(3)}`;
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
      agent: agent ?? (await agentOf(asked.agent, { runs: places.runs })),
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
