/** The entry of a worker thread: one replica around shared weights, one job at a time. */
import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../base/index.js";
import { useBackend } from "../tensor/index.js";
import { HostWeights } from "./host-weights.js";
import { Replica } from "./replica.js";
import type { Slopes } from "./scores.js";
import { collect } from "./sampling/collect.js";
import type { FromWorker, Job, JobResult, ToWorker, WorkerSetup } from "./worker-messages.js";

const port = parentPort!;
const setup = workerData as WorkerSetup;
let slopesArrived: ((slopes: Slopes | null) => void) | undefined;

/** The other side refused the scores and knows why; the job ends without a word of its own. */
class Refused extends Error {
  override readonly name = "Refused";
}

function say(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

async function work(replica: Replica, job: Job): Promise<JobResult> {
  if (job.kind === "score") return { kind: "score", scores: await replica.score(job.rows, job.options) };
  if (job.kind === "sample") {
    const tokens = replica.generate(job.requests, job.options);
    return { kind: "sample", samples: await collect(job.requests, tokens) };
  }
  const gradient = new Float32Array(replica.trainedSize);
  const objective = async (scores: FromWorker & { kind: "scores" }): Promise<Slopes> => {
    const answer = new Promise<Slopes | null>((resolve) => (slopesArrived = resolve));
    say(scores);
    const slopes = await answer;
    if (slopes === null) throw new Refused("The objective refused the scores.");
    return slopes;
  };
  const { scores, loss } = await replica.gradients(
    job.rows,
    (of) => objective({ kind: "scores", scores: of }),
    gradient,
    job.options,
  );
  return { kind: "gradients", scores, loss, gradient };
}

async function main(): Promise<void> {
  await useBackend(setup.backend);
  const replica = new Replica(new HostWeights(setup.parts));
  port.on("message", (message: ToWorker) => {
    if (message.kind === "slopes") return slopesArrived?.(message.slopes);
    const { version, job } = message;
    replica.sync(version);
    work(replica, job).then(
      (result) =>
        say(
          { kind: "done", result },
          result.kind === "gradients" ? [result.gradient.buffer as ArrayBuffer] : [],
        ),
      (error: unknown) =>
        say({ kind: "failed", name: error instanceof Error ? error.name : "", message: messageOf(error) }),
    );
  });
  say({ kind: "ready" });
}

main().catch((error: unknown) => {
  say({ kind: "failed", name: error instanceof Error ? error.name : "", message: messageOf(error) });
});
