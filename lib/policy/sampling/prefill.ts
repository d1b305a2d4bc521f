/** Prompts' way into the cache: what they begin with in common goes through the model once. */
import * as tf from "@tensorflow/tfjs";
import {
  anglesAt,
  type AttentionBlock,
  type Model,
  type Stream,
  StreamAttention,
} from "../../model/index.js";
import type { KeyValueCache } from "./cache.js";
import { AT_ONCE, type Embed, read, run } from "./forward.js";
import { sharing } from "./sharing.js";
import type { SampleRequest } from "./types.js";

/** A prompt's keys in the cache: those of its shared first tokens, and those of the rest. */
export interface PromptKeys {
  readonly shared: readonly [start: number, end: number];
  readonly own: readonly [start: number, end: number];
}

/** Logits after each prompt, `[requests, vocab]`, and where its keys are; a part of the prompts at a time bounds memory. */
export async function prefillAll(
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
      if (to > from && tokens > AT_ONCE) break;
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
