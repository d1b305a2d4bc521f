import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { RunError } from "../base/index.js";
import { Queue } from "./replica.js";
import {
  errorOf,
  type FromWorker,
  type Job,
  type JobResult,
  type ToWorker,
  type WorkerSetup,
} from "./worker-messages.js";

/** The entry's path from the project's root: a notebook's modules have no files of their own to start from. */
const ENTRY = join("lib", "policy", "worker.mjs");

/** One worker thread, from this side. */
export class WorkerThread {
  readonly ready: Promise<void>;
  private readonly worker: Worker;
  private readonly queue = new Queue();
  private current:
    | {
        resolve: (result: JobResult) => void;
        reject: (error: unknown) => void;
      }
    | undefined;

  constructor(setup: WorkerSetup) {
    this.worker = new Worker(join(process.cwd(), ENTRY), { execArgv: [], workerData: setup });
    this.ready = new Promise((resolve, reject) => {
      this.worker.on("message", (message: FromWorker) => {
        if (message.kind === "ready") {
          this.worker.unref(); // an idle worker keeps no process alive
          resolve();
        } else if (message.kind === "failed" && !this.current) reject(errorOf(message));
        else this.hear(message);
      });
      const died = (why: string): void => {
        const error = new RunError(`A worker thread of the policy ended: ${why}.`);
        reject(error);
        this.finish()?.reject(error);
      };
      this.worker.on("error", (error) => died(error.message));
      this.worker.on("exit", (code) => died(`exit code ${code}`));
    });
  }

  /** One job at a time, in the order in which they are asked for. */
  work(version: number, job: Job): Promise<JobResult> {
    const begin = (): Promise<JobResult> =>
      new Promise((resolve, reject) => {
        this.current = { resolve, reject };
        this.worker.ref();
        this.worker.postMessage({ version, job } satisfies ToWorker);
      });
    return this.queue.add(begin);
  }

  async end(): Promise<void> {
    await this.worker.terminate();
  }

  private hear(message: FromWorker): void {
    if (message.kind === "done") this.finish()?.resolve(message.result);
    else if (message.kind === "failed") this.finish()?.reject(errorOf(message));
  }

  private finish(): WorkerThread["current"] {
    const { current } = this;
    this.current = undefined;
    this.worker.unref();
    return current;
  }
}
