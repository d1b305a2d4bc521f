/**
 * The memory of the tensors of a piece of work where memory is bounded: on the heap of `wasm` and `native`, which 32-bit addresses end.
 * The numbers follow from shapes alone, so that the same work is divided in the same way on every machine.
 */
import { wasmRuntime } from "../tensor/index.js";
import {
  adapterShapes,
  elements,
  parameterShapes,
  type AdapterConfig,
  type ModelConfig,
} from "../model/index.js";
import type { Trained } from "./host-weights.js";
import { packedLength, scoredTokens, type Bundle } from "./pack.js";
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
