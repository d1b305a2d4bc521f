import { moduleOf, type TokenScores } from "../objective/index.js";
import type { BackendName } from "../tensor/index.js";
import type { BatchGradient, MicroBatch, ReplicaPool } from "./replica-pool.js";
import type { Bundle } from "./pack.js";
import type { HostWeights } from "./host-weights.js";
import type { Inspection } from "./inspect.js";
import { Replica } from "./replica.js";
import { cut, type Piece, place } from "./sampling/pieces.js";
import { sharing } from "./sampling/sharing.js";
import type { Sample, SampledToken, SampleOptions, SampleRequest } from "./sampling/types.js";
import type { ScoreOptions } from "./scores.js";
import { WorkerThread } from "./worker-thread.js";
import type { Job, JobResult } from "./worker-messages.js";

/**
 * Several worker threads, each with a replica on the backend and all reading one set of weights in shared memory.
 * Micro-batches go to the next free worker; their gradients are handed over in order, so the sums do not depend on how
 * many workers there are.
 */
export class WorkerPool implements ReplicaPool {
  readonly size: number;
  /** For demonstrations, on this thread; made when first asked for. */
  private local: Replica | undefined;

  private constructor(
    private readonly threads: readonly WorkerThread[],
    private readonly host: HostWeights,
  ) {
    this.size = threads.length;
  }

  /** @throws RunError when a worker cannot be started. */
  static async start(host: HostWeights, size: number, backend: BackendName): Promise<WorkerPool> {
    const { config, adapter, trained, vector, frozen, embedding } = host;
    const setup = { backend, parts: { config, adapter, trained, vector, frozen, embedding } };
    const threads = Array.from({ length: size }, () => new WorkerThread(setup));
    try {
      await Promise.all(threads.map((thread) => thread.ready));
    } catch (error) {
      await Promise.all(threads.map((thread) => thread.end()));
      throw error;
    }
    return new WorkerPool(threads, host);
  }

  async score(
    batches: readonly (readonly Bundle[])[],
    version: number,
    options: ScoreOptions,
  ): Promise<TokenScores[][]> {
    const scores: TokenScores[][] = [];
    await this.distribute(batches.length, async (thread, batch) => {
      const result = await thread.work(version, { kind: "score", bundles: batches[batch]!, options });
      scores[batch] = (result as JobResult & { kind: "score" }).scores;
    });
    return scores;
  }

  async gradients(
    batches: readonly MicroBatch[],
    version: number,
    take: (result: BatchGradient) => void,
  ): Promise<void> {
    const waiting = new Map<number, BatchGradient>();
    let next = 0;
    await this.distribute(batches.length, async (thread, batch) => {
      const { bundles, loss, options } = batches[batch]!;
      const module = moduleOf(loss);
      const job: Job = {
        kind: "gradients",
        bundles,
        loss,
        options,
        ...(module === undefined ? {} : { module }),
      };
      const { result, gradient } = (await thread.work(version, job)) as JobResult & { kind: "gradients" };
      waiting.set(batch, { batch, ...result, gradient });
      for (let ready = waiting.get(next); ready; ready = waiting.get(++next)) {
        take(ready);
        waiting.delete(next);
      }
    });
  }

  async sample(
    requests: readonly SampleRequest[],
    version: number,
    options: SampleOptions,
  ): Promise<Sample[][]> {
    const parts = split(requests, this.size);
    const samples: Sample[][] = requests.map(() => []);
    await this.distribute(parts.length, async (thread, index) => {
      const part = parts[index]!;
      const job: Job = { kind: "sample", requests: part.map(({ request }) => request), options };
      const result = await thread.work(version, job);
      place(samples, requests, part, (result as JobResult & { kind: "sample" }).samples);
    });
    return samples;
  }

  stream(
    requests: readonly SampleRequest[],
    version: number,
    options: SampleOptions,
  ): AsyncGenerator<SampledToken, void, void> {
    return this.here().stream(requests, version, options);
  }

  inspect(ids: readonly number[], version: number, adapter: "on" | "off"): Promise<Inspection> {
    return this.here().inspect(ids, version, adapter);
  }

  async dispose(): Promise<void> {
    await this.local?.dispose();
    await Promise.all(this.threads.map((thread) => thread.end()));
  }

  private here(): Replica {
    return (this.local ??= new Replica(this.host));
  }

  /** Gives each of `count` tasks to the next free worker. After a failure no new task begins. */
  private async distribute(
    count: number,
    task: (thread: WorkerThread, index: number) => Promise<void>,
  ): Promise<void> {
    let next = 0;
    let failed = false;
    const results = await Promise.allSettled(
      this.threads.slice(0, count).map(async (thread) => {
        while (next < count && !failed) {
          try {
            await task(thread, next++);
          } catch (error) {
            failed = true;
            throw error;
          }
        }
      }),
    );
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }
}

/**
 * Requests in about equal parts: each goes to the part with the least work so far, the largest first. Those that begin
 * with the same shared tokens stay together.
 */
function split(requests: readonly SampleRequest[], parts: number): Piece[][] {
  const pieces = requests.flatMap((request, index) =>
    // Fewer prompts than workers: their samples are divided, at the price of computing a prompt more than once.
    cut(request, Math.ceil(parts / requests.length)).map((part) => ({ index, request: part })),
  );
  const bundles = sharing(pieces.map(({ request }) => request)).map((members) => {
    const of = members.map((i) => pieces[i]!);
    const { request } = of[0]!;
    const own = of.reduce(
      (sum, { request: r }) => sum + r.prompt.length - (r.shared ?? 0) + 16 * (r.n ?? 1),
      0,
    );
    return { pieces: of, weight: (request.shared ?? 0) + own };
  });
  const piles = Array.from({ length: Math.min(parts, bundles.length) }, () => ({
    weight: 0,
    pieces: [] as Piece[],
  }));
  bundles
    .sort((a, b) => b.weight - a.weight)
    .forEach((bundle) => {
      const pile = piles.reduce((least, other) => (other.weight < least.weight ? other : least));
      pile.weight += bundle.weight;
      pile.pieces.push(...bundle.pieces);
    });
  return piles.map((pile) => pile.pieces);
}
