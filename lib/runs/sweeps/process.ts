import { type ChildProcess, fork } from "node:child_process";
import { InputError, RunError } from "../../base/index.js";
import type { RunAnswer, RunOrder } from "./child.js";
import type { SweepRun } from "./plan.js";
import type { RunProgress, ShippedRecord, SweepPlaces } from "./run.js";

/** The hidden verb that serves runs. */
export const childVerb = "sweep-run";

/**
 * A process that carries out runs. It is started for the first run and again after a failure; in between it is kept, so
 * that engine and shop are loaded once. The parent stays free to answer: to show progress, to keep a queue's lock.
 */
export class RunProcess {
  #child: ChildProcess | undefined;

  constructor(private readonly places: SweepPlaces) {}

  /** Its process, while it has one. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Carries out a run.
   * @throws InputError as the run says; RunError when it fails or its process dies
   */
  run(run: SweepRun, onProgress: (progress: RunProgress) => void): Promise<readonly ShippedRecord[]> {
    const child = (this.#child ??= this.#start());
    return new Promise((resolve, reject) => {
      const finish = (act: () => void): void => {
        child.off("message", onMessage).off("exit", onExit).off("error", onError);
        act();
      };
      const onMessage = (answer: RunAnswer): void => {
        if (answer.id !== run.id) return;
        if (answer.kind === "progress") onProgress(answer.progress);
        else if (answer.kind === "done") finish(() => resolve(answer.records));
        else finish(() => reject(new (answer.badInput ? InputError : RunError)(answer.why)));
      };
      const died = (why: string): void =>
        finish(() => {
          if (this.#child === child) this.#child = undefined;
          reject(new DiedError(`The process of ${run.id} ${why}; the run goes on from its last checkpoint.`));
        });
      const onExit = (code: number | null, signal: string | null): void =>
        died(signal ? `was ended by ${signal}` : `ended with code ${code}`);
      const onError = (error: Error): void => died(`could not be started: ${error.message}`);
      child.on("message", onMessage).on("exit", onExit).on("error", onError);
      const order: RunOrder = { run, places: this.places };
      child.send(order, (error) => error && died(`does not listen: ${error.message}`));
    });
  }

  /** Ends the process at once; what it was doing goes on from its checkpoint another time. */
  stop(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  #start(): ChildProcess {
    // stderr only: stdout belongs to the parent's `--json`.
    return fork("lib/aisle.mjs", [childVerb], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  }
}

/** The process ended during a run, so that the run can be tried again. */
export class DiedError extends RunError {}
