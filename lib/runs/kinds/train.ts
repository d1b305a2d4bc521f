/** Training a run of any kind. */
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { InputError, writeFolderWhole } from "../../base/index.js";
import { defaultCatalogue, type Environment, openEnvironment } from "../../simulator/index.js";
import type { IterationReport, LoopSummary } from "../training/loop.js";
import { RunFolder } from "../training/run-folder.js";
import type { OpenRun, RunKind } from "./kind.js";

export interface TrainOptions {
  /** Folder of the run. */
  readonly out: string;
  /** Go on from the last checkpoint where there is one; otherwise begin afresh. */
  readonly resume: boolean;
  readonly onIteration?: ((report: IterationReport) => void) | undefined;
  /** Stops after the iteration that runs, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** The shop; by default the one that the configuration names. */
  readonly environment?: Environment;
  /** Check every byte of a large shop. */
  readonly verify?: boolean;
}

/**
 * Trains a run of any kind, from its last checkpoint where `resume` says so; a finished one is only read.
 * @throws InputError when something that it needs does not fit, or an earlier run is another one
 * @throws RunError when a loss is not finite or a file cannot be written
 */
export async function trainKind<Config extends object>(
  kind: RunKind<Config>,
  config: Config,
  options: TrainOptions,
): Promise<LoopSummary> {
  const { currentBackend, selectBackend } = await import("../../tensor/index.js");
  if (!currentBackend()) await selectBackend({ requested: process.env["AISLE_BACKEND"] });
  const { data } = kind.facts(config);
  const own = options.environment === undefined && data !== undefined;
  const catalogue = own
    ? await defaultCatalogue(data ?? undefined, { verify: options.verify === true })
    : null;
  const environment = options.environment ?? (catalogue && openEnvironment(catalogue));
  try {
    return await trainOpened(kind, config, () => kind.open(config, environment, options.out), options);
  } finally {
    catalogue?.close();
  }
}

/** {@link trainKind} of a run that the caller opens. The finished model is put where the configuration wants it, too. */
export async function trainOpened<Config extends object>(
  kind: RunKind<Config>,
  config: Config,
  open: () => Promise<OpenRun>,
  { out, resume, onIteration, signal }: TrainOptions,
): Promise<LoopSummary> {
  const { trainingLoop } = await import("../training/loop.js");
  const { trainee, from, warn } = await open();
  try {
    const loop = { trainee, config, from, out, resume, onIteration, signal, ...(warn ? { warn } : {}) };
    const summary = await trainingLoop(loop);
    const { publish, out: usual } = kind.facts(config);
    // A run in another folder than its own is an experiment: it leaves the published model alone.
    if (!summary.finished || publish === undefined || out !== usual) return summary;
    writeFolderWhole(publish, "config.json", (part) => {
      if (existsSync(publish)) cpSync(publish, part, { recursive: true }); // its card stays
      cpSync(summary.model, part, { recursive: true });
    });
    return { ...summary, model: publish };
  } finally {
    await trainee.dispose();
  }
}

/**
 * Refuses to write over a run that may still be needed.
 * @throws InputError when one lies in the folder
 */
export function refuseToOverwrite(out: string, unit: string): void {
  const begun = new RunFolder(out).progress();
  if (!begun) return;
  throw new InputError(
    `A run of ${begun.iteration} ${unit}s lies in ${out}: --resume goes on with it, --force begins again.`,
  );
}

/** Where a finished run keeps its model. */
export function modelFolder(out: string): string {
  return join(out, "model");
}
