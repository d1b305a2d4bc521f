/**
 * Dynamic batching. Episodes that are played concurrently sample from the same policy; their requests of one turn of the event
 * loop become one batch, so that its tokens are drawn in one pass instead of one pass each. A sample does not depend on the
 * others of its batch (see generate.ts), so no answer changes.
 */
import type { ModelConfig } from "../../model/index.js";
import type { Sample, SampleOptions, SampleRequest } from "./types.js";

/** A source of samples: a policy, or one of several callers of a policy. */
export interface Sampler {
  readonly config: ModelConfig;
  /** `[request][sample]` */
  sample(requests: readonly SampleRequest[], options: SampleOptions): Promise<Sample[][]>;
}

/** A call that waits for its answer. */
interface Call {
  readonly requests: readonly SampleRequest[];
  readonly options: SampleOptions;
  readonly resolve: (samples: Sample[][]) => void;
  readonly reject: (error: unknown) => void;
}

/** A sampler that puts calls which are made in the same turn, with the same options but for the seed, into one. */
export function batching(sampler: Sampler): Sampler {
  let waiting: Call[] = [];
  const flush = (): void => {
    const calls = waiting;
    waiting = [];
    const alike = new Map<string, Call[]>();
    for (const call of calls) {
      const key = JSON.stringify({ ...call.options, seed: null });
      alike.set(key, [...(alike.get(key) ?? []), call]);
    }
    for (const group of alike.values()) void answer(sampler, group);
  };
  return {
    config: sampler.config,
    sample: (requests, options) =>
      new Promise((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush);
        waiting.push({ requests, options, resolve, reject });
      }),
  };
}

async function answer(sampler: Sampler, calls: readonly Call[]): Promise<void> {
  const requests = calls.flatMap((call) =>
    call.requests.map((request) => ({ ...request, seed: request.seed ?? call.options.seed })),
  );
  try {
    const samples = await sampler.sample(requests, calls[0]!.options);
    let at = 0;
    for (const call of calls) call.resolve(samples.slice(at, (at += call.requests.length)));
  } catch (error) {
    if (calls.length === 1) return calls[0]!.reject(error);
    // One call that cannot be answered must not spoil the others': each stands for itself.
    for (const call of calls) await answer(sampler, [call]);
  }
}
