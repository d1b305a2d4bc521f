/**
 * What fits into memory where it is bounded (on the heap of `wasm` and `native`, which 32-bit addresses end): the bytes of a piece of work,
 * and its division into pieces that fit. The numbers follow from shapes alone, so that the same work is divided in the same way on
 * every machine; what fits is left as it is, to the bit.
 */
import { InputError } from "../base/index.js";
import { gigabytes, OutOfMemory, wasmRuntime } from "../tensor/index.js";
import {
  adapterShapes,
  elements,
  parameterShapes,
  type AdapterConfig,
  type ModelConfig,
} from "../model/index.js";
import type { Trained } from "./host-weights.js";
import { type Bundle, packedLength, scoredTokens, type SequenceBundle } from "./pack.js";
import { cut, type Piece } from "./sampling/pieces.js";
import type { SampleRequest } from "./sampling/types.js";

const FLOAT = 4;
/** The fraction of the memory that is planned with: the rest is for what lies between tensors of different sizes. */
const PLANNED = 0.9;
/** Logits that exist at a time, and rows at least (`tokenLogProbs`). */
const LOGITS = { atATime: 1 << 20, rows: 16 };
/** Queries whose scores over all keys exist at a time (`attention-blocks.ts`), going forward and back. */
const ATTENTION = { queries: 48, passes: 2 };
/** The cache makes room for so many times what it needs (`KeyValueCache`), and prompts go through so many tokens at a time. */
const SAMPLING = { growth: 1.5, tokens: 4096 };

/** Bytes that the backend in use can give to tensors; Infinity where the machine's memory is the bound. */
export function reachableBytes(): number {
  return wasmRuntime()?.heap.limit ?? Infinity;
}

/** The memory of one replica. */
export class Room {
  /** Bytes that stay there: the weights, an adapter's factors, and a second model where one is kept. */
  readonly fixed: number;
  /** Bytes that work may take beside them. */
  readonly free: number;
  private readonly layerWeights: number;
  private readonly headWeights: number;
  private readonly adapted: { readonly keys: number; readonly rest: number };

  /**
   * @param bytes what there is in all, see `reachableBytes`
   * @param models how many copies of the weights lie there
   */
  constructor(
    private readonly config: ModelConfig,
    private readonly adapter: AdapterConfig | undefined,
    private readonly trained: Trained,
    readonly bytes: number,
    models = 1,
  ) {
    const weights = [...parameterShapes(config)].filter(
      ([name]) => config.tiedEmbeddings || name !== "model.embed_tokens.weight",
    );
    const count = (of: readonly (readonly [string, readonly number[]])[]): number =>
      of.reduce((sum, [, shape]) => sum + elements(shape), 0);
    const factors = adapter ? [...adapterShapes(config, adapter).values()] : [];
    const added = factors.reduce((sum, { a, b }) => sum + elements(a) + elements(b), 0);
    this.fixed = FLOAT * (models * count(weights) + added);
    this.free = PLANNED * bytes - this.fixed;
    const inLayers = weights.filter(([name]) => name.includes(".layers."));
    const gradients = trained === "model" ? count(inLayers) : trained === "adapter" ? added : 0;
    this.layerWeights = gradients / config.layers;
    this.headWeights = trained === "model" ? config.vocabSize * config.hiddenSize : 0;
    this.adapted = {
      keys: this.adapterFloats(/\.[kv]_proj$/),
      rest: this.adapterFloats(/\.([qo]|gate|up|down)_proj$/),
    };
  }

  /** Bytes of a backward pass over bundles, at its highest. */
  gradient(bundles: readonly Bundle[], recompute: boolean): number {
    const { layers, hiddenSize: d, intermediateSize: inner, heads, keyValueHeads, headDim } = this.config;
    const { n, q, m, longest } = sizes(bundles);
    const layer = this.layer(n, n);
    const last = this.layer(n, q) + 2 * q * d;
    const kept = recompute ? layers * n * d + Math.max(layer, last) : (layers - 1) * layer + last + n * d;
    const gradients = recompute ? this.layerWeights : layers * this.layerWeights;
    // Gradients grow as what was kept shrinks.
    const most = Math.max(kept, gradients) + this.headWeights + (recompute ? this.layerWeights : 0);
    const onTheWay =
      n * (3 * inner + 4 * d + (heads + 2 * keyValueHeads) * headDim + heads) + 2 * (q + m) * d;
    return FLOAT * (most + onTheWay + attention(longest) + this.ends(n, q, m));
  }

  /** Bytes of scoring bundles. */
  score(bundles: readonly Bundle[]): number {
    const { n, q, m, longest } = sizes(bundles);
    const pass = 3 * n * this.config.hiddenSize + this.layer(n, n) + attention(longest);
    return FLOAT * (pass + this.ends(n, q, m));
  }

  /** Bytes of sampling requests together. */
  sample(requests: readonly SampleRequest[], maxTokens: number): number {
    const { layers, keyValueHeads, headDim, vocabSize, hiddenSize } = this.config;
    const prompts = requests.map(({ prompt }) => prompt.length);
    const samples = requests.reduce((sum, { n = 1 }) => sum + n, 0);
    const tokens = prompts.reduce((sum, length) => sum + length, 0) + samples * maxTokens;
    // While a layer's cache moves to a larger place, it is there twice.
    const cache = 2 * (layers + 1) * SAMPLING.growth * tokens * keyValueHeads * headDim;
    const together = Math.max(...prompts, Math.min(SAMPLING.tokens, tokens));
    const pass = this.layer(together, together) + 3 * together * (hiddenSize + headDim);
    const keys = attention(Math.max(...prompts) + ATTENTION.queries * maxTokens);
    return FLOAT * (cache + pass + keys + samples * (vocabSize + 2 * hiddenSize + 8 * maxTokens));
  }

  /** Numbers that one layer makes: keys and values of `n` tokens, the rest of `q`. */
  private layer(n: number, q: number): number {
    const { hiddenSize: d, intermediateSize: inner, heads, keyValueHeads, headDim } = this.config;
    const keys = d + 1 + 3 * keyValueHeads * headDim + this.adapted.keys;
    const rest = 5 * d + 1 + 3 * heads * headDim + 2 * heads + 3 * inner + this.adapted.rest;
    return n * keys + q * rest;
  }

  /** Rotary tables, the final norm, and the rows of logits. */
  private ends(n: number, q: number, m: number): number {
    const { hiddenSize: d, headDim, vocabSize } = this.config;
    const rows = Math.min(m, Math.max(LOGITS.rows, Math.floor(LOGITS.atATime / vocabSize)));
    return 2 * (n + q) * headDim + (q + m) * (d + 4) + rows * (vocabSize + 8);
  }

  /** Numbers per token that the adapter makes in a layer: its inner and outer products, and dropped inputs with their mask. */
  private adapterFloats(which: RegExp): number {
    const { adapter } = this;
    if (!adapter) return 0;
    const byLayer = new Map<string, number>();
    for (const [path, { a, b }] of adapterShapes(this.config, adapter)) {
      if (!which.test(path)) continue;
      const dropped = this.trained === "adapter" && adapter.dropout > 0 ? 2 * a[1] : 0;
      const layer = path.split(".")[2]!;
      byLayer.set(layer, (byLayer.get(layer) ?? 0) + 2 * a[0] + 2 * b[0] + dropped);
    }
    return Math.max(0, ...byLayer.values());
  }
}

/** Numbers of the attention's scores over so many keys, and of the small areas that every pass has. */
function attention(keys: number): number {
  return ATTENTION.passes * ATTENTION.queries * (keys + 4) + (1 << 16);
}

/** Tokens in the stream, tokens that predict something, scored tokens, and the longest bundle's tokens. */
function sizes(bundles: readonly Bundle[]): { n: number; q: number; m: number; longest: number } {
  let [n, q, m, longest] = [0, 0, 0, 0];
  for (const bundle of bundles) {
    const scored = bundle.completions.reduce((sum, completion) => sum + scoredTokens(completion), 0);
    n += packedLength(bundle);
    q += Math.min(packedLength(bundle), 1 + scored);
    m += scored;
    longest = Math.max(longest, packedLength(bundle));
  }
  return { n, q, m, longest };
}

/** Bundles that go through the model at once, and whether each layer is computed again on the way back. */
export interface Fitted {
  readonly bundles: readonly SequenceBundle[];
  readonly recompute: boolean;
}

/** How to make things fit. */
export interface FitOptions {
  /** Bytes that may be taken. */
  readonly bytes: number;
  /** Whether layers are computed again anyway. */
  readonly recompute: boolean;
  /** Whether completions of one bundle may go apart: not where dropout masks are named after the bundle. */
  readonly apart: boolean;
}

/**
 * Micro-batches whose backward pass fits. First each layer is computed again, which changes no bit; where that is not enough a
 * batch is halved, which changes sums in their last bits, as another batch size would.
 * @throws InputError when what cannot be divided further does not fit
 */
export function fittedGradients(
  batches: readonly (readonly SequenceBundle[])[],
  room: Room,
  options: FitOptions,
): Fitted[] {
  const fit = (bundles: readonly SequenceBundle[]): Fitted[] => {
    const { bytes, recompute } = options;
    if (room.gradient(bundles, recompute) <= bytes) return [{ bundles, recompute }];
    if (room.gradient(bundles, true) <= bytes) return [{ bundles, recompute: true }];
    return halved(bundles, options.apart, room.gradient(bundles, true), room).flatMap(fit);
  };
  return batches.flatMap(fit);
}

/** Batches whose forward pass fits, as in `fittedGradients`. @throws InputError as it does */
export function fittedScores(
  batches: readonly (readonly SequenceBundle[])[],
  room: Room,
  bytes: number,
): (readonly SequenceBundle[])[] {
  const fit = (bundles: readonly SequenceBundle[]): (readonly SequenceBundle[])[] =>
    room.score(bundles) <= bytes ? [bundles] : halved(bundles, true, room.score(bundles), room).flatMap(fit);
  return batches.flatMap(fit);
}

/** Two halves, by bundles, or by the completions of the only one. */
function halved(
  bundles: readonly SequenceBundle[],
  apart: boolean,
  needed: number,
  room: Room,
): (readonly SequenceBundle[])[] {
  if (bundles.length > 1) return halves(bundles);
  const [bundle] = bundles as [SequenceBundle];
  const { prompt, completions, members } = bundle;
  if (!apart || completions.length === 1) {
    const what = completions.length === 1 ? "a row" : "the rows of one prompt, which dropout keeps together,";
    throw tooLarge(what, packedLength(bundle), needed, room);
  }
  return halves(completions.map((_, i) => i)).map((of) => [
    { prompt, completions: of.map((i) => completions[i]!), members: of.map((i) => members[i]!) },
  ]);
}

/**
 * Requests in groups that can be sampled together, in order; a request's samples may be in several.
 * @throws InputError when one sample alone does not fit
 */
export function fittedRequests(
  requests: readonly SampleRequest[],
  maxTokens: number,
  room: Room,
  bytes: number,
): Piece[][] {
  const fit = (pieces: readonly Piece[]): Piece[][] => {
    const asked = pieces.map(({ request }) => request);
    const needed = room.sample(asked, maxTokens);
    if (needed <= bytes) return [[...pieces]];
    const [{ index, request }] = pieces as [Piece];
    if (pieces.length > 1) return halves(pieces).flatMap(fit);
    if ((request.n ?? 1) > 1) return cut(request, 2).flatMap((half) => fit([{ index, request: half }]));
    throw tooLarge("a sample", request.prompt.length + maxTokens, needed, room);
  };
  return fit(requests.map((request, index) => ({ index, request })));
}

/** How often a plan is made for half the bytes when the first did not fit after all. */
const TRIES = 3;

/**
 * Does work that is planned for the room there is, and plans it for half of that when the heap was full all the same: what lies on
 * it from before may leave gaps of the wrong sizes.
 * @param attempt plans for so many bytes, and works
 * @throws OutOfMemory saying what to do when nothing helped
 */
export async function withRoom<T>(room: Room, attempt: (bytes: number) => Promise<T>): Promise<T> {
  let full: OutOfMemory | undefined;
  for (let tried = 0, bytes = room.free; tried < TRIES; tried++, bytes /= 2) {
    try {
      return await attempt(bytes);
    } catch (error) {
      if (error instanceof OutOfMemory) full = error;
      else if (!full || !(error instanceof InputError)) throw error; // half the bytes are too few: what was full says more
    }
  }
  throw new OutOfMemory(`${full!.message} ${WHAT_TO_DO}`);
}

/** The first half and the second; of an odd number the first is longer. */
function halves<T>(items: readonly T[]): [T[], T[]] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}

function tooLarge(what: string, tokens: number, needed: number, room: Room): InputError {
  return new InputError(
    `The memory is too small: ${what} of ${tokens.toLocaleString("en-US")} tokens needs about ${gigabytes(needed)} beside the ` +
      `model's ${gigabytes(room.fixed)}, and there are ${gigabytes(room.bytes)} in all. ${WHAT_TO_DO}`,
  );
}

/** @throws InputError when a model does not fit, before it is read */
export function requireRoom(room: Room): void {
  if (room.fixed <= room.bytes) return;
  throw new InputError(
    `The memory is too small: the model takes ${gigabytes(room.fixed)} in 32 bits, and there are ${gigabytes(room.bytes)} in all. ` +
      WHAT_TO_DO,
  );
}

/** Advice for work that does not fit, in the words of a run's configuration. */
const WHAT_TO_DO =
  `Shorten prompts or answers, train an adapter ("lora") instead of the whole model, take a smaller model, or choose a backend ` +
  `whose memory is the machine's (AISLE_BACKEND=tensorflow).`;
