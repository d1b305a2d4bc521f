/** A sweep on one machine: a pool of processes, fed by this one. */
import { messageOf } from "../../base/index.js";
import type { Sweep, SweepRun } from "./plan.js";
import { DiedError, RunProcess } from "./process.js";
import type { RunProgress, SweepPlaces } from "./run.js";

/** The events of a sweep. */
export interface SweepEvents {
  /** A run was taken up, by whom (a process, a machine). */
  started?(run: SweepRun, by: string): void;
  progress?(run: SweepRun, progress: RunProgress): void;
  /** `records`: the ids of its run records. */
  finished?(run: SweepRun, records: readonly string[]): void;
  /** A run failed for good, or (`again`) will be tried again. */
  failed?(run: SweepRun, why: string, again: boolean): void;
  /** Anything else that people should know. */
  note?(text: string): void;
}

/** How a run ended. */
export interface RunOutcome {
  readonly id: string;
  readonly variant: string;
  readonly seed: number;
  /** Ids of its run records; null when it failed. */
  readonly records: readonly string[] | null;
  readonly error: string | null;
}

/** How often a run is begun before it counts as failed: a process that always fails must not be started for ever. */
export const MAX_TRIES = 3;

/**
 * Carries out the runs of a sweep with `processes` processes. A process that ends is replaced, and its run goes on from
 * its checkpoint. A run that fails does not stop the others.
 * @returns an outcome for each run, in the sweep's order; aborted, those that are finished
 */
export async function runPool(
  sweep: Sweep,
  places: SweepPlaces,
  options: { processes?: number; signal?: AbortSignal; events?: SweepEvents } = {},
): Promise<RunOutcome[]> {
  const { processes = 1, signal, events = {} } = options;
  const outcomes = new Map<string, RunOutcome>();
  const waiting = sweep.runs.map((run) => ({ run, tries: 0 }));
  const pool = Array.from({ length: Math.min(processes, waiting.length) }, () => new RunProcess(places));
  const stop = (): void => pool.forEach((process) => process.stop());
  signal?.addEventListener("abort", stop);
  const work = async (process: RunProcess, index: number): Promise<void> => {
    for (let next = waiting.shift(); next && !signal?.aborted; next = waiting.shift()) {
      const { run, tries } = next;
      const { id, variant, seed } = run;
      events.started?.(run, `process ${index + 1}`);
      try {
        const records = await process.run(run, (progress) => events.progress?.(run, progress));
        const ids = records.map((record) => record.id);
        outcomes.set(id, { id, variant, seed, records: ids, error: null });
        events.finished?.(run, ids);
      } catch (error) {
        if (signal?.aborted) return;
        const again = error instanceof DiedError && tries + 1 < MAX_TRIES;
        events.failed?.(run, messageOf(error), again);
        if (again) waiting.unshift({ run, tries: tries + 1 });
        else outcomes.set(id, { id, variant, seed, records: null, error: messageOf(error) });
      }
    }
  };
  try {
    await Promise.all(pool.map(work));
  } finally {
    signal?.removeEventListener("abort", stop);
    stop();
  }
  return sweep.runs.flatMap(({ id }) => outcomes.get(id) ?? []);
}
