/** The process that carries out runs: told which over IPC, one after the other. It ends with its parent. */
import { InputError, messageOf } from "../../base/index.js";
import type { RunProgress, ShippedRecord, SweepPlaces } from "./run.js";
import type { SweepRun } from "./plan.js";

/** Messages from the parent. */
export interface RunOrder {
  readonly run: SweepRun;
  readonly places: SweepPlaces;
}

/** Messages from the child. */
export type RunAnswer =
  | { readonly kind: "progress"; readonly id: string; readonly progress: RunProgress }
  | { readonly kind: "done"; readonly id: string; readonly records: readonly ShippedRecord[] }
  | { readonly kind: "failed"; readonly id: string; readonly why: string; readonly badInput: boolean };

/** Serves the parent until it goes. Ctrl-C reaches parent and child at once: the parent decides. */
export function serveRuns(): void {
  const say = (answer: RunAnswer): void => void (process.connected && process.send?.(answer));
  process.on("SIGINT", () => {});
  // Whatever was being done is safe to lose: checkpoints and records are written whole or not at all.
  process.on("disconnect", () => process.exit(1));
  let queue = Promise.resolve();
  process.on("message", ({ run, places }: RunOrder) => {
    queue = queue.then(async () => {
      try {
        const { carryOut } = await import("./run.js");
        let last = -Infinity;
        const records = await carryOut(run, places, (progress) => {
          const now = performance.now();
          if (now - last < 100 && progress.done < 1) return;
          last = now;
          say({ kind: "progress", id: run.id, progress });
        });
        say({ kind: "done", id: run.id, records });
      } catch (error) {
        say({ kind: "failed", id: run.id, why: messageOf(error), badInput: error instanceof InputError });
      }
    });
  });
}
