/**
 * Decoding: the prompts go through the model once, then all samples of all prompts take one token at a time in one
 * batch, each seeing its prompt's keys and its own.
 *
 * A sample must not depend on the others of its batch. Everything here is a function of the sample's own row: its
 * stream is named, products and norms are computed row by row, and attention reads a query's own ranges in order.
 */
import * as tf from "@tensorflow/tfjs";
import { stream, type Random } from "../../base/index.js";
import {
  anglesAt,
  type AttentionBlock,
  decoderLayer,
  finalNorm,
  headOf,
  type Model,
  type Stream,
  StreamAttention,
} from "../../model/index.js";
import { KeyValueCache } from "./cache.js";
import { sharing } from "./sharing.js";
import { draw, type Drawn, type Scratch } from "./draw.js";
import { tokenTrie, type TrieNode } from "./trie.js";
import type { Finish, SampledToken, SampleOptions, SampleRequest } from "./types.js";

/** A sample that is still growing. */
interface Growing {
  readonly request: number;
  readonly sample: number;
  readonly random: Random;
  /** Where its prompt's keys lie in the cache. */
  readonly prompt: PromptKeys;
  /** Where its own tokens' keys lie. */
  readonly own: number[];
  /** Its last token, not yet in the cache. */
  last: number;
  node: TrieNode | undefined;
}

/** A prompt's keys in the cache: those of its shared first tokens, and those of the rest. */
interface PromptKeys {
  readonly shared: readonly [start: number, end: number];
  readonly own: readonly [start: number, end: number];
}

/** Prompt tokens that go through the model at once; a longer prompt goes alone. */
const PREFILL_TOKENS = 4096;

/** What is known of a token that was not drawn. */
const GIVEN = { logProb: 0, drawnLogProb: 0, entropy: 0, given: true } as const;
const NONE: ReadonlySet<number> = new Set();

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
    const filled = await prefillAll(model, embed, requests, cache);
    let { logits } = filled;
    let growing = start(requests, options, filled.keys);
    for (let t = 1; growing.length > 0; t++) {
      const drawn: { of: Growing; token: Drawn & { given?: true }; finish: Finish | undefined }[] = [];
      growing.forEach((of, i) => {
        // The first token of each sample comes from its prompt's row, every other one from its own.
        const row = t === 1 ? of.request : i;
        const { given } = requests[of.request]!;
        const id = given?.[t - 1] ?? null;
        if (id !== null) {
          of.last = id;
          drawn.push({ of, token: { id, ...GIVEN }, finish: undefined });
          return;
        }
        const z = logits.subarray(row * vocabSize, (row + 1) * vocabSize);
        const token = draw(z, options, of.random, scratch, of.node && admissible(of.node, stop));
        const after = t - (given?.length ?? 0);
        // A stop token among given ones is a wrong word there, and no end.
        drawn.push({
          of,
          token,
          finish: advance(of, token.id, after > 0 ? stop : NONE, after === options.maxTokens),
        });
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

/** The tokens that may follow; a complete choice that is also the beginning of another may end with a stop token. */
function admissible(node: TrieNode, stop: ReadonlySet<number>): Iterable<number> {
  return node.choice >= 0 ? [...node.next.keys(), ...stop] : node.next.keys();
}

/** Logits after each prompt, `[requests, vocab]`, and where its keys are; a part of the prompts at a time bounds memory. */
async function prefillAll(
  model: Model,
  embed: Embed,
  requests: readonly SampleRequest[],
  cache: KeyValueCache,
): Promise<{ logits: Float32Array; keys: PromptKeys[] }> {
  const { vocabSize } = model.config;
  const logits = new Float32Array(requests.length * vocabSize);
  const keys = new Array<PromptKeys>(requests.length);
  const groups = sharing(requests);
  let from = 0;
  while (from < groups.length) {
    let to = from;
    for (let tokens = 0; to < groups.length; to++) {
      tokens += tokensOf(groups[to]!, requests);
      if (to > from && tokens > PREFILL_TOKENS) break;
    }
    const part = groups.slice(from, to);
    const values = await read(tf.tidy(() => prefill(model, embed, part, requests, cache, keys)));
    part.flat().forEach((r, row) => {
      logits.set(values.subarray(row * vocabSize, (row + 1) * vocabSize), r * vocabSize);
    });
    from = to;
  }
  return { logits, keys };
}

/** Tokens that a group of requests with the same first tokens puts through the model. */
function tokensOf(group: readonly number[], requests: readonly SampleRequest[]): number {
  const shared = requests[group[0]!]!.shared ?? 0;
  return group.reduce((sum, r) => sum + requests[r]!.prompt.length - shared, shared);
}

/**
 * Logits after each prompt of some groups, `[prompts, vocab]` in the groups' order; puts their keys into the cache and says
 * in `keys` where. A group's shared tokens come first, then what each of its prompts has of its own.
 */
function prefill(
  model: Model,
  embed: Embed,
  groups: readonly (readonly number[])[],
  requests: readonly SampleRequest[],
  cache: KeyValueCache,
  keys: PromptKeys[],
): tf.Tensor2D {
  const before = cache.length;
  const total = groups.reduce((sum, group) => sum + tokensOf(group, requests), 0);
  const ids = new Int32Array(total);
  const positions = new Int32Array(total);
  const ends: number[] = [];
  const [all, last]: [AttentionBlock[], AttentionBlock[]] = [[], []];
  let at = 0;
  const put = (prompt: readonly number[], first: number, end: number): void => {
    for (let i = first; i < end; i++, at++) [ids[at], positions[at]] = [prompt[i]!, i];
  };
  for (const group of groups) {
    const start = at;
    const shared = requests[group[0]!]!.shared ?? 0;
    put(requests[group[0]!]!.prompt, 0, shared);
    const rangesPerQuery = shared > 0 ? 2 : 1;
    const ranges: number[] = [];
    const lastRanges: number[] = [];
    for (let i = 0; i < shared; i++) ranges.push(0, i + 1, i + 1, i + 1);
    for (const r of group) {
      const { prompt } = requests[r]!;
      const own = at - start;
      put(prompt, shared, prompt.length);
      const seen = (end: number): number[] => (shared > 0 ? [0, shared, own, end] : [own, end]);
      for (let i = own; i < at - start; i++) ranges.push(...seen(i + 1));
      lastRanges.push(...seen(at - start));
      ends.push(at - 1);
      const offset = before + start;
      keys[r] = { shared: [offset, offset + shared], own: [offset + own, before + at] };
    }
    const block = { keyStart: before + start, keys: at - start, rangesPerQuery };
    all.push({ ...block, queryStart: start, queries: at - start, ranges: Int32Array.from(ranges) });
    const first = ends.length - group.length;
    last.push({ ...block, queryStart: first, queries: group.length, ranges: Int32Array.from(lastRanges) });
  }
  const angles = anglesAt(model.config, positions);
  const every: Stream = { angles, attention: new StreamAttention(all, before + total), cache };
  const queries = {
    rows: Int32Array.from(ends),
    angles: anglesAt(
      model.config,
      Int32Array.from(ends, (i) => positions[i]!),
    ),
  };
  const final: Stream = { angles, attention: new StreamAttention(last, before + total), cache, queries };
  return run(model, embed(ids), (layer) => (layer === model.config.layers - 1 ? final : every));
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
  const parts = growing.some(({ prompt }) => prompt.shared[1] > prompt.shared[0]) ? 2 : 1;
  const rangesPerQuery = past + 1 + parts;
  const ranges = new Int32Array(growing.length * rangesPerQuery * 2);
  growing.forEach(({ prompt, own }, i) => {
    own.push(first + i);
    let at = i * rangesPerQuery * 2;
    for (const [start, end] of parts === 2 ? [prompt.shared, prompt.own] : [prompt.own]) {
      ranges[at++] = start;
      ranges[at++] = end;
    }
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
