/**
 * A sweep on many machines: BullMQ on Redis. The queue is named after the sweep's content, a job after its run, so
 * that adding is idempotent, and a scheduler that is started again finds everything as it was.
 */
import type { Job, Queue as BullQueue } from "bullmq";
import type { Redis } from "ioredis";
import { InputError, messageOf, RunError } from "../../base/index.js";
import type { Sweep, SweepRun } from "./plan.js";
import { MAX_TRIES, type RunOutcome, type SweepEvents } from "./pool.js";
import { DiedError, RunProcess } from "./process.js";
import { unpack } from "./records.js";
import type { RunProgress, ShippedRecord, SweepPlaces } from "./run.js";

/** Seconds without a heartbeat after which a worker counts as lost and its run is given to another. */
export const PATIENCE = 30;

interface QueueOptions {
  /** Address of the Redis, `redis://host:6379`; a password is part of it and is never printed. */
  readonly redis: string;
  /** Default `PATIENCE`; the same on every machine of a sweep. */
  readonly patience?: number;
  readonly signal?: AbortSignal;
  readonly events?: SweepEvents;
}

/** A worker's answer, and its progress. */
type SweepJob = Job<SweepRun, readonly ShippedRecord[]>;
type JobProgress = RunProgress & { readonly by: string };

/**
 * Puts the runs of a sweep into the queue and waits until workers have done them, collecting their records. Runs that
 * are in the queue already are left there; those that failed before are tried again.
 * @throws InputError when there is no Redis at the address
 */
export async function scheduleSweep(
  sweep: Sweep,
  places: SweepPlaces,
  options: QueueOptions,
): Promise<RunOutcome[]> {
  const { events = {}, signal } = options;
  const { Queue } = await import("bullmq");
  const connection = await connect(options);
  const queue: BullQueue<SweepRun, readonly ShippedRecord[]> = new Queue(queueName(sweep), { connection });
  queue.on("error", () => {}); // told once by the connection
  try {
    await connection.del(overKey(sweep));
    for (const run of sweep.runs) {
      const known = (await queue.getJob(run.id)) as SweepJob | undefined;
      if (known && (await known.isFailed())) await known.retry("failed", { resetAttemptsMade: true });
      if (!known)
        await queue.add("run", run, {
          jobId: run.id,
          attempts: MAX_TRIES,
          backoff: { type: "fixed", delay: 200 },
        });
    }
    events.note?.(`${sweep.runs.length} runs are in the queue ${queueName(sweep)}.`);
    const outcomes = new Map<string, RunOutcome>();
    const seen = new Map<string, string>();
    while (outcomes.size < sweep.runs.length && !signal?.aborted) {
      for (const run of sweep.runs) {
        if (outcomes.has(run.id)) continue;
        // The state first: a job that is read before it is over does not hold its outcome.
        const state = await queue.getJobState(run.id);
        const job = (await queue.getJob(run.id)) as SweepJob | undefined;
        const outcome = job ? look(job, state, run, places, seen, events) : lost(run);
        if (outcome) outcomes.set(run.id, outcome);
      }
      if (outcomes.size < sweep.runs.length) await sleep(300, signal);
    }
    const all = sweep.runs.flatMap(({ id }) => outcomes.get(id) ?? []);
    // Everything is on disk: what lies in Redis is only in the way of the next time.
    if (all.length === sweep.runs.length && all.every(({ error }) => error === null)) {
      await connection.set(overKey(sweep), "1", "EX", 3600);
      await queue.obliterate({ force: true });
    }
    return all;
  } finally {
    await queue.close();
    connection.disconnect();
  }
}

/** The messages of a job: its outcome when it is over; before that, what is new goes to `events`. */
function look(
  job: SweepJob,
  state: string,
  run: SweepRun,
  places: SweepPlaces,
  seen: Map<string, string>,
  events: SweepEvents,
): RunOutcome | null {
  const { id, variant, seed } = run;
  if (state === "completed") {
    job.returnvalue.forEach((record) => unpack(record, places.runs));
    const records = job.returnvalue.map((record) => record.id);
    events.finished?.(run, records);
    return { id, variant, seed, records, error: null };
  }
  if (state === "failed") {
    events.failed?.(run, job.failedReason, false);
    return { id, variant, seed, records: null, error: job.failedReason };
  }
  const progress = job.progress as JobProgress | number;
  if (state === "active" && typeof progress === "object") {
    if (seen.get(id) !== progress.by) events.started?.(run, progress.by);
    seen.set(id, progress.by);
    events.progress?.(run, progress);
  }
  return null;
}

function lost({ id, variant, seed }: SweepRun): RunOutcome {
  const error = "Its job is gone from the queue: start the sweep again.";
  return { id, variant, seed, records: null, error };
}

/**
 * Works on a sweep until every run of it is over, `processes` at a time. Any number of workers, on any machines, may
 * do so at once; one that ends loses the progress of its runs since their last checkpoints.
 * @returns how many runs this worker finished
 * @throws InputError when there is no Redis at the address
 */
export async function workOnSweep(
  sweep: Sweep,
  places: SweepPlaces,
  options: QueueOptions & { processes?: number },
): Promise<number> {
  const { processes = 1, patience = PATIENCE, events = {}, signal } = options;
  const { Queue, UnrecoverableError, Worker } = await import("bullmq");
  const { hostname } = await import("node:os");
  const connection = await connect(options);
  const idle = Array.from({ length: processes }, () => new RunProcess(places));
  const all = [...idle];
  const by = `${hostname()}:${process.pid}`;
  let finished = 0;
  const worker = new Worker<SweepRun, readonly ShippedRecord[]>(
    queueName(sweep),
    async (job) => {
      const own = idle.pop()!; // as many as jobs at once
      events.started?.(job.data, by);
      const tell = (progress: RunProgress): Promise<void> => job.updateProgress({ ...progress, by });
      try {
        await tell({ done: 0, at: "begins" });
        const records = await own.run(job.data, (progress) => {
          events.progress?.(job.data, progress);
          tell(progress).catch(() => {}); // lost when the connection is; the next one tells
        });
        finished += 1;
        events.finished?.(
          job.data,
          records.map(({ id }) => id),
        );
        return records;
      } catch (error) {
        events.failed?.(job.data, messageOf(error), error instanceof DiedError);
        if (error instanceof InputError) throw new UnrecoverableError(error.message);
        throw error;
      } finally {
        idle.push(own);
      }
    },
    {
      connection,
      concurrency: processes,
      lockDuration: 1000 * patience,
      stalledInterval: 500 * patience,
      maxStalledCount: MAX_TRIES,
      drainDelay: 1,
    },
  );
  worker.on("error", () => {}); // told once by the connection
  const queue = new Queue(queueName(sweep), { connection });
  queue.on("error", () => {});
  try {
    // A worker may be there before the scheduler: an empty queue alone does not mean that everything is over.
    events.note?.(`Works on the queue ${queueName(sweep)} as ${by}.`);
    while (!signal?.aborted && (await connection.get(overKey(sweep))) === null) {
      const counts = await queue.getJobCounts("waiting", "active", "delayed", "prioritized", "failed");
      const { failed = 0, ...open } = counts;
      if (failed > 0 && Object.values(open).every((count) => count === 0)) break;
      await sleep(300, signal);
    }
    return finished;
  } finally {
    all.forEach((process) => process.stop());
    await worker.close(true);
    await queue.close();
    connection.disconnect();
  }
}

/** Says for an hour that a sweep ended well, so that a worker which comes late does not wait for it. */
function overKey(sweep: Sweep): string {
  return `${queueName(sweep)}:over`;
}

function queueName(sweep: Sweep): string {
  return `aisle-${sweep.name}-${sweep.key.slice(0, 12)}`;
}

/** @throws InputError when nothing answers at the address, without repeating a password */
async function connect({ redis, events }: QueueOptions): Promise<Redis> {
  let address: URL;
  try {
    address = new URL(redis);
    if (!/^rediss?:$/.test(address.protocol)) throw new TypeError();
  } catch {
    throw new InputError(
      `"${redis.replace(/\/\/[^@]*@/, "//")}" is no address of a Redis: write redis://host:6379.`,
    );
  }
  const { Redis } = await import("ioredis");
  const place = `${address.hostname}:${address.port || "6379"}`;
  const client = new Redis(redis, { maxRetriesPerRequest: null, lazyConnect: true, connectTimeout: 5000 });
  let up = false;
  let told = false;
  client.on("error", (error: Error) => {
    if (up && !told)
      events?.note?.(`The Redis at ${place} does not answer (${error.message}): waiting for it.`);
    told = up;
  });
  client.on("ready", () => (told = false));
  try {
    await client.connect();
    await client.ping();
  } catch (error) {
    client.disconnect();
    throw new InputError(
      `There is no Redis at ${place} (${messageOf(error)}): start one (Debian: apt install redis-server) or give another --redis.`,
    );
  }
  up = true;
  return client;
}

function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done);
  });
}

/** @throws RunError when a run of a sweep failed: which, and why the first did */
export function refuseFailures(outcomes: readonly RunOutcome[]): void {
  const failed = outcomes.filter(({ error }) => error !== null);
  if (failed.length === 0) return;
  throw new RunError(
    `${failed.length} of ${outcomes.length} runs failed; ${failed[0]!.id}: ${failed[0]!.error} Start the sweep again to retry them.`,
  );
}
