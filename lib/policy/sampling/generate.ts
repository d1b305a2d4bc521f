/**
 * Decoding: the prompts go through the model once, then all samples of all prompts take one token at a time in one
 * batch, each seeing its prompt's keys and its own.
 *
 * What a sample becomes must not depend on its company. Everything here is a function of the sample's own row: its
 * stream is named, products and norms are computed row by row, and attention reads a query's own ranges in order.
 */
import * as tf from "@tensorflow/tfjs";
import { stream, type Random } from "../../base/index.js";
import { StreamAttention } from "../attend.js";
import { anglesAt, decoderLayer, finalNorm, headOf, type Model, type Stream } from "../transformer.js";
import { KeyValueCache } from "./cache.js";
import { draw, type Drawn, type Scratch } from "./draw.js";
import { tokenTrie, type TrieNode } from "./trie.js";
import type { Finish, SampledToken, SampleOptions, SampleRequest } from "./types.js";

/** A sample that is still growing. */
interface Growing {
  readonly request: number;
  readonly sample: number;
  readonly random: Random;
  /** Where its prompt's keys lie in the cache. */
  readonly prompt: { readonly start: number; readonly end: number };
  /** Where its own tokens' keys lie. */
  readonly own: number[];
  /** Its last token, not yet in the cache. */
  last: number;
  node: TrieNode | undefined;
}

/** Prompt tokens that go through the model at once; a longer prompt goes alone. */
const PREFILL_TOKENS = 4096;

/** Rows of the input embedding, `[ids, d]`. */
export type Embed = (ids: Int32Array) => tf.Tensor2D;

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
    let logits = await prefillAll(model, embed, requests, cache);
    let growing = start(requests, options);
    for (let t = 1; growing.length > 0; t++) {
      const drawn: { of: Growing; token: Drawn; finish: Finish | undefined }[] = [];
      growing.forEach((of, i) => {
        // The first token of each sample comes from its prompt's row, every other one from its own.
        const row = t === 1 ? of.request : i;
        const z = logits.subarray(row * vocabSize, (row + 1) * vocabSize);
        const token = draw(z, options, of.random, scratch, of.node && admissible(of.node, stop));
        drawn.push({ of, token, finish: advance(of, token.id, stop, t === options.maxTokens) });
      });
      for (const { of, token, finish } of drawn) {
        const { request, sample, node } = of;
        const choice = finish !== undefined && node && node.choice >= 0 ? { choice: node.choice } : {};
        yield { request, sample, ...token, ...(finish ? { finish } : {}), ...choice };
      }
      growing = drawn.filter(({ finish }) => finish === undefined).map(({ of }) => of);
      if (growing.length === 0) return;
      logits = await read(tf.tidy(() => step(model, embed, requests, growing, t - 1, cache)));
    }
  } finally {
    cache.dispose();
  }
}

function start(requests: readonly SampleRequest[], options: SampleOptions): Growing[] {
  let at = 0;
  return requests.flatMap((request, r) => {
    const prompt = { start: at, end: at + request.prompt.length };
    at = prompt.end;
    const trie = request.choices && tokenTrie(request.choices);
    return Array.from({ length: request.n ?? 1 }, (_, sample) => ({
      request: r,
      sample,
      random: stream(options.seed, ...request.name, (request.first ?? 0) + sample),
      prompt,
      own: [],
      last: -1,
      node: trie,
    }));
  });
}

/** Takes the token; says whether and why the sample ends with it. */
function advance(of: Growing, id: number, stop: ReadonlySet<number>, full: boolean): Finish | undefined {
  of.last = id;
  if (of.node) {
    const next = of.node.next.get(id);
    if (!next) return "choice"; // a stop token after a complete choice
    of.node = next;
    if (next.next.size === 0) return "choice";
  } else if (stop.has(id)) return "stop";
  return full ? "length" : undefined;
}

/** What may follow; a complete choice that is also the beginning of another may end with a stop token. */
function admissible(node: TrieNode, stop: ReadonlySet<number>): Iterable<number> {
  return node.choice >= 0 ? [...node.next.keys(), ...stop] : node.next.keys();
}

/** Logits after each prompt, `[requests, vocab]`; a part of the prompts at a time, which bounds memory. */
async function prefillAll(
  model: Model,
  embed: Embed,
  requests: readonly SampleRequest[],
  cache: KeyValueCache,
): Promise<Float32Array> {
  const { vocabSize } = model.config;
  const logits = new Float32Array(requests.length * vocabSize);
  let from = 0;
  while (from < requests.length) {
    let to = from;
    for (let tokens = 0; to < requests.length; to++) {
      tokens += requests[to]!.prompt.length;
      if (to > from && tokens > PREFILL_TOKENS) break;
    }
    const part = requests.slice(from, to);
    logits.set(await read(tf.tidy(() => prefill(model, embed, part, cache))), from * vocabSize);
    from = to;
  }
  return logits;
}

/** Logits after each of some prompts, `[requests, vocab]`; puts their keys into the cache. */
function prefill(
  model: Model,
  embed: Embed,
  requests: readonly SampleRequest[],
  cache: KeyValueCache,
): tf.Tensor2D {
  const before = cache.length;
  const total = requests.reduce((sum, { prompt }) => sum + prompt.length, 0);
  const ids = new Int32Array(total);
  const positions = new Int32Array(total);
  const ends = new Int32Array(requests.length);
  const causal: { start: number; length: number }[] = [];
  let at = 0;
  requests.forEach(({ prompt }, r) => {
    ids.set(prompt, at);
    for (let i = 0; i < prompt.length; i++) positions[at + i] = i;
    causal.push({ start: at, length: prompt.length });
    at += prompt.length;
    ends[r] = at - 1;
  });
  const blocks = (last: boolean): StreamAttention =>
    new StreamAttention(
      causal.map(({ start, length }, r) => {
        const keyStart = before + start;
        const queries = last ? 1 : length;
        const ranges = new Int32Array(queries * 2);
        for (let i = 0; i < queries; i++) ranges[2 * i + 1] = length - queries + i + 1;
        return {
          queryStart: last ? r : start,
          queries,
          keyStart,
          keys: length,
          ranges,
          rangesPerQuery: 1,
        };
      }),
      before + total,
    );
  const angles = anglesAt(model.config, positions);
  const every: Stream = { angles, attention: blocks(false), cache };
  const queries = {
    rows: ends,
    angles: anglesAt(
      model.config,
      ends.map((i) => positions[i]!),
    ),
  };
  const last: Stream = { angles, attention: blocks(true), cache, queries };
  return run(model, embed(ids), (layer) => (layer === model.config.layers - 1 ? last : every));
}

/** Logits after each growing sample's last token, `[samples, vocab]`; adds the tokens to the cache. */
function step(
  model: Model,
  embed: Embed,
  requests: readonly SampleRequest[],
  growing: readonly Growing[],
  past: number,
  cache: KeyValueCache,
): tf.Tensor2D {
  const first = cache.length;
  const ids = Int32Array.from(growing, ({ last }) => last);
  const positions = Int32Array.from(growing, ({ request }) => requests[request]!.prompt.length + past);
  const rangesPerQuery = past + 2;
  const ranges = new Int32Array(growing.length * rangesPerQuery * 2);
  growing.forEach(({ prompt, own }, i) => {
    own.push(first + i);
    let at = i * rangesPerQuery * 2;
    ranges[at++] = prompt.start;
    ranges[at++] = prompt.end;
    for (const key of own) {
      ranges[at++] = key;
      ranges[at++] = key + 1;
    }
  });
  const keys = first + growing.length;
  const block = { queryStart: 0, queries: growing.length, keyStart: 0, keys, ranges, rangesPerQuery };
  const attention = new StreamAttention([block], keys);
  const shared: Stream = { angles: anglesAt(model.config, positions), attention, cache };
  return run(model, embed(ids), () => shared);
}

function run(model: Model, input: tf.Tensor, streamOf: (layer: number) => Stream): tf.Tensor2D {
  let x = input;
  for (let layer = 0; layer < model.config.layers; layer++) {
    const next = tf.tidy(() => decoderLayer(model, layer, x, streamOf(layer)));
    x.dispose();
    x = next;
  }
  return tf.matMul(finalNorm(model, x) as tf.Tensor2D, headOf(model) as tf.Tensor2D, false, true);
}

async function read(logits: tf.Tensor): Promise<Float32Array> {
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}
