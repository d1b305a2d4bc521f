/** The entry of a worker thread: one replica around shared weights, one job at a time. */
import { parentPort, workerData } from "node:worker_threads";
import { useBackend } from "../tensor/index.js";
import { HostWeights } from "./host-weights.js";
import { Replica } from "./replica.js";
import { collect } from "./sampling/collect.js";
import {
  failureOf,
  type FromWorker,
  type Job,
  type JobResult,
  type ToWorker,
  type WorkerSetup,
} from "./worker-messages.js";

const port = parentPort!;
const setup = workerData as WorkerSetup;

function say(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

async function work(replica: Replica, job: Job): Promise<JobResult> {
  if (job.kind === "score") return { kind: "score", scores: await replica.score(job.bundles, job.options) };
  if (job.kind === "sample") {
    const tokens = replica.generate(job.requests, job.options);
    return { kind: "sample", samples: await collect(job.requests, tokens) };
  }
  if (job.module !== undefined) await import(job.module);
  const gradient = new Float32Array(replica.trainedSize);
  const result = await replica.gradients(job.bundles, job.loss, gradient, job.options);
  return { kind: "gradients", result, gradient };
}

async function main(): Promise<void> {
  await useBackend(setup.backend);
  const replica = new Replica(new HostWeights(setup.parts));
  const answer = async ({ version, job }: ToWorker): Promise<JobResult> => {
    replica.sync(version);
    return work(replica, job);
  };
  port.on("message", (message: ToWorker) => {
    answer(message).then(
      (result) =>
        say(
          { kind: "done", result },
          result.kind === "gradients" ? [result.gradient.buffer as ArrayBuffer] : [],
        ),
      (error: unknown) => say({ kind: "failed", ...failureOf(error) }),
    );
  });
  say({ kind: "ready" });
}

main().catch((error: unknown) => {
  say({ kind: "failed", ...failureOf(error) });
});
