/** The entry of a worker thread: one replica around shared weights, one job at a time. */
import { parentPort, workerData } from "node:worker_threads";
import { useBackend } from "../tensor/index.js";
import { HostWeights } from "./host-weights.js";
import { Replica } from "./replica.js";
import type { GradientResult } from "./scores.js";
import {
  failureOf,
  type FromWorker,
  type JobResult,
  type ToWorker,
  type WorkerSetup,
} from "./worker-messages.js";

const port = parentPort!;
const setup = workerData as WorkerSetup;

function say(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

async function work(replica: Replica, { version, job }: ToWorker): Promise<JobResult> {
  if (job.kind === "score") {
    const [scores] = await replica.score([job.bundles], version, job.options);
    return { kind: "score", scores: scores! };
  }
  if (job.kind === "sample") {
    return { kind: "sample", samples: await replica.sample(job.requests, version, job.options) };
  }
  const { module, bundles, loss, options } = job;
  if (module !== undefined) await import(module);
  const gradient = new Float32Array(replica.trainedSize); // it is given away
  let result: GradientResult | undefined;
  await replica.gradients([{ bundles, loss, options }], version, (found) => (result = found), gradient);
  const { scores, loss: value, sums, lossTime } = result!;
  return { kind: "gradients", result: { scores, loss: value, sums, lossTime }, gradient };
}

async function main(): Promise<void> {
  await useBackend(setup.backend);
  const replica = new Replica(new HostWeights(setup.parts));
  port.on("message", (message: ToWorker) => {
    work(replica, message).then(
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
