/**
 * Decoding: the prompts go through the model once, then all samples of all prompts take one token at a time in one
 * batch, each seeing its prompt's keys and its own.
 *
 * A sample must not depend on the others of its batch. Everything here is a function of the sample's own row: its
 * stream is named, products and norms are computed row by row, and attention reads a query's own ranges in order.
 */
import * as tf from "@tensorflow/tfjs";
import { stream, type Random } from "../../base/index.js";
import { anglesAt, type Model, type Stream, StreamAttention } from "../../model/index.js";
import { KeyValueCache } from "./cache.js";
import { draw, type Scratch } from "./draw.js";
import { AT_ONCE, type Embed, read, run } from "./forward.js";
import { prefillAll, type PromptKeys } from "./prefill.js";
import { tokenTrie, type TrieNode } from "./trie.js";
import type { Finish, SampledToken, SampleOptions, SampleRequest } from "./types.js";

/** A sample that is still growing. */
interface Growing {
  readonly request: number;
  readonly sample: number;
  readonly random: Random;
  /** Where its prompt's keys lie in the cache. */
  readonly prompt: PromptKeys;
  /** Where its own tokens' keys lie, step by step. */
  readonly own: [start: number, end: number][];
  /** Its tokens so far. */
  length: number;
  /** Its last tokens, not yet in the cache: the one drawn and those given behind it. */
  fresh: number[];
  node: TrieNode | undefined;
}

/** What is known of a token that was not drawn. */
const GIVEN = { logProb: 0, drawnLogProb: 0, entropy: 0, given: true } as const;
const NONE: ReadonlySet<number> = new Set();

/**
 * Samples token by token; within a step in the order of requests and samples.
 * @param model kept as it is until the last token: an update in between is not seen
 */
export async function* generate(
  model: Model,
  embed: Embed,
  requests: readonly SampleRequest[],
  options: SampleOptions,
): AsyncGenerator<SampledToken, void, void> {
  const { vocabSize } = model.config;
  const stop = new Set(options.stop ?? []);
  const scratch: Scratch = { weights: new Float64Array(vocabSize) };
  const cache = new KeyValueCache();
  try {
    const filled = await prefillAll(model, embed, requests, cache);
    let { logits } = filled;
    let growing = start(requests, options, filled.keys);
    let first = true;
    while (growing.length > 0) {
      const said: SampledToken[] = [];
      const next: Growing[] = [];
      growing.forEach((of, i) => {
        const { request, sample } = of;
        const { given = [] } = requests[request]!;
        let ended: Finish | undefined;
        of.fresh = [];
        if ((given[of.length] ?? null) === null) {
          // The first token of each sample comes from its prompt's row, every other one from its own.
          const row = first ? request : i;
          const z = logits.subarray(row * vocabSize, (row + 1) * vocabSize);
          const token = draw(z, options, of.random, scratch, of.node && admissible(of.node, stop));
          of.length += 1;
          const after = of.length - given.length;
          // A stop token among given ones is a wrong word there, and no end.
          ended = advance(of, token.id, after > 0 ? stop : NONE, after === options.maxTokens);
          const choice =
            ended !== undefined && of.node && of.node.choice >= 0 ? { choice: of.node.choice } : {};
          said.push({ request, sample, ...token, ...(ended ? { finish: ended } : {}), ...choice });
        }
        if (ended) return;
        for (let id = given[of.length] ?? null; id !== null; id = given[of.length] ?? null) {
          of.length += 1;
          of.fresh.push(id);
          said.push({ request, sample, id, ...GIVEN });
        }
        next.push(of);
      });
      yield* said;
      growing = next;
      if (growing.length === 0) return;
      logits = await feed(model, embed, requests, growing, cache);
      first = false;
    }
  } finally {
    cache.dispose();
  }
}

function start(
  requests: readonly SampleRequest[],
  options: SampleOptions,
  keys: readonly PromptKeys[],
): Growing[] {
  return requests.flatMap((request, r) => {
    const trie = request.choices && tokenTrie(request.choices);
    return Array.from({ length: request.n ?? 1 }, (_, sample) => ({
      request: r,
      sample,
      random: stream(
        request.seed ?? options.seed,
        ...request.name,
        request.numbers?.[sample] ?? (request.first ?? 0) + sample,
      ),
      prompt: keys[r]!,
      own: [],
      length: 0,
      fresh: [],
      node: trie,
    }));
  });
}

/** Takes the token; says whether and why the sample ends with it. */
function advance(of: Growing, id: number, stop: ReadonlySet<number>, full: boolean): Finish | undefined {
  of.fresh.push(id);
  if (of.node) {
    const next = of.node.next.get(id);
    if (!next) return "choice"; // a stop token after a complete choice
    of.node = next;
    if (next.next.size === 0) return "choice";
  } else if (stop.has(id)) return "stop";
  return full ? "length" : undefined;
}

/** The tokens that may follow; a complete choice that is also the beginning of another may end with a stop token. */
function admissible(node: TrieNode, stop: ReadonlySet<number>): Iterable<number> {
  return node.choice >= 0 ? [...node.next.keys(), ...stop] : node.next.keys();
}

/** Logits after each growing sample's last token, `[samples, vocab]`; a part of the samples at a time bounds memory. */
async function feed(
  model: Model,
  embed: Embed,
  requests: readonly SampleRequest[],
  growing: readonly Growing[],
  cache: KeyValueCache,
): Promise<Float32Array> {
  if (growing.every(({ fresh }) => fresh.length === 1)) {
    return read(tf.tidy(() => step(model, embed, requests, growing, cache)));
  }
  const { vocabSize } = model.config;
  const logits = new Float32Array(growing.length * vocabSize);
  let from = 0;
  while (from < growing.length) {
    let to = from;
    for (let tokens = 0; to < growing.length; to++) {
      tokens += growing[to]!.fresh.length;
      if (to > from && tokens > AT_ONCE) break;
    }
    const part = growing.slice(from, to);
    logits.set(await read(tf.tidy(() => step(model, embed, requests, part, cache))), from * vocabSize);
    from = to;
  }
  return logits;
}

/** Logits after each of some samples' last tokens, `[samples, vocab]`; adds their fresh tokens to the cache. */
function step(
  model: Model,
  embed: Embed,
  requests: readonly SampleRequest[],
  growing: readonly Growing[],
  cache: KeyValueCache,
): tf.Tensor2D {
  const first = cache.length;
  const ids = Int32Array.from(growing.flatMap(({ fresh }) => fresh));
  const positions = new Int32Array(ids.length);
  const parts = growing.some(({ prompt }) => prompt.shared[1] > prompt.shared[0]) ? 2 : 1;
  const rangesPerQuery = Math.max(...growing.map(({ own }) => own.length)) + 1 + parts;
  const ranges = new Int32Array(ids.length * rangesPerQuery * 2);
  const ends: number[] = [];
  let query = 0;
  for (const { request, prompt, own, length, fresh } of growing) {
    const before = requests[request]!.prompt.length + length - fresh.length;
    const seen = [...(parts === 2 ? [prompt.shared, prompt.own] : [prompt.own]), ...own].flat();
    const start = first + query;
    fresh.forEach((_, t) => {
      const at = query * rangesPerQuery * 2;
      ranges.set([...seen, start, first + query + 1], at);
      positions[query++] = before + t;
    });
    own.push([start, first + query]);
    ends.push(query - 1);
  }
  const keys = first + ids.length;
  const layout = { keyStart: 0, keys, rangesPerQuery };
  const angles = anglesAt(model.config, positions);
  const every: Stream = {
    angles,
    attention: new StreamAttention([{ ...layout, queryStart: 0, queries: ids.length, ranges }], keys),
    cache,
  };
  if (ids.length === growing.length) return run(model, embed(ids), () => every);
  // Of the last layer only each sample's last token is of use.
  const width = rangesPerQuery * 2;
  const lastRanges = new Int32Array(ends.length * width);
  ends.forEach((end, i) => lastRanges.set(ranges.subarray(end * width, (end + 1) * width), i * width));
  const last = { ...layout, queryStart: 0, queries: ends.length, ranges: lastRanges };
  const queries = {
    rows: Int32Array.from(ends),
    angles: anglesAt(
      model.config,
      Int32Array.from(ends, (end) => positions[end]!),
    ),
  };
  const final: Stream = { angles, attention: new StreamAttention([last], keys), cache, queries };
  return run(model, embed(ids), (layer) => (layer === model.config.layers - 1 ? final : every));
}
