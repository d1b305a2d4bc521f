/**
 * The decoder of Qwen2, Llama, Qwen3 and Mistral (Hugging Face `modeling_qwen2` and so on): RMSNorm, rotary positions,
 * grouped-query attention, SwiGLU; biases where the model has them, and in Qwen3 a norm over each head of q and k. It runs
 * over a stream of N tokens that may belong to several sequences; only attention knows which.
 */
import * as tf from "@tensorflow/tfjs";
import type { StreamAttention } from "./attend.js";
import { type ModelConfig, type Projection, projectionPath } from "./files/index.js";
import { embed, linear, rmsNorm, rotary, swiGlu } from "../tensor/index.js";
import { rotaryAngles } from "./positions.js";

/** Parameters by Hugging Face's names, on the backend. */
export type Tensors = ReadonlyMap<string, tf.Tensor>;

/** The adapter's addition to the output of a projection; `undefined` where it adapts nothing. */
export type Adapt = (path: string, x: tf.Tensor, y: tf.Tensor2D) => tf.Tensor2D;

/** A model ready to compute. */
export interface Model {
  readonly config: ModelConfig;
  readonly tensors: Tensors;
  /** The adapter, if it is on. */
  readonly adapt?: Adapt;
}

/** Rotary tables for the stream's tokens, `[N, headDim]` each. */
export interface Angles {
  readonly cos: tf.Tensor;
  readonly sin: tf.Tensor;
}

/** The rotary tables of a list of positions. */
export function anglesAt(config: ModelConfig, positions: Int32Array): Angles {
  const { cos, sin } = rotaryAngles(positions, config);
  const shape: [number, number] = [positions.length, config.headDim];
  return { cos: tf.tensor2d(cos, shape), sin: tf.tensor2d(sin, shape) };
}

/** Keys and values of one layer, `[N, kvHeads, headDim]` each. */
export interface KeysValues {
  readonly k: tf.Tensor;
  readonly v: tf.Tensor;
}

/** The inputs of a layer that belong to its stream of tokens. */
export interface Stream {
  readonly angles: Angles;
  readonly attention: StreamAttention;
  /**
   * Rows of x that the layer computes outputs for; all when absent. The last layer is asked only for tokens that predict
   * something: keys and values still come from every token, but the rest of the layer is skipped.
   */
  readonly queries?: { readonly rows: Int32Array; readonly angles: Angles };
  /** Keys and values of earlier tokens are put before the stream's own, and the joined ones are handed back. */
  readonly cache?: { join(layer: number, fresh: KeysValues): KeysValues };
}

/** The inputs of attention: queries `[queries, heads, headDim]`, keys and values `[N, kvHeads, headDim]`, turned. */
export interface QueriesKeysValues extends KeysValues {
  readonly q: tf.Tensor;
}

/**
 * The first half of a layer, up to attention.
 * @param h normalised input `[N, d]`
 * @param hq its rows that ask, `[queries, d]`
 */
export function queriesKeysValues(
  model: Model,
  layer: number,
  h: tf.Tensor,
  hq: tf.Tensor,
  { angles, queries }: Pick<Stream, "angles" | "queries">,
): QueriesKeysValues {
  const { headDim, heads, keyValueHeads } = model.config;
  const inHeads = (of: tf.Tensor, count: number): tf.Tensor => tf.reshape(of, [-1, count, headDim]);
  const turn = queries?.angles ?? angles;
  const normed = (of: "q" | "k", x: tf.Tensor): tf.Tensor => {
    const weight = model.tensors.get(`model.layers.${layer}.self_attn.${of}_norm.weight`);
    return weight ? rmsNorm(x, weight, model.config.rmsNormEps) : x;
  };
  return {
    q: rotary(normed("q", inHeads(project(model, layer, hq, "q_proj"), heads)), turn.cos, turn.sin),
    k: rotary(
      normed("k", inHeads(project(model, layer, h, "k_proj"), keyValueHeads)),
      angles.cos,
      angles.sin,
    ),
    v: inHeads(project(model, layer, h, "v_proj"), keyValueHeads),
  };
}

/**
 * One decoder layer.
 * @param x `[N, d]`
 * @returns `[N, d]`, or `[queries, d]`
 */
export function decoderLayer(model: Model, layer: number, x: tf.Tensor, stream: Stream): tf.Tensor {
  const h = layerNorm(model, layer, "input_layernorm", x);
  const { queries } = stream;
  const hq = queries ? embed(queries.rows, h) : h;
  const xq = queries ? embed(queries.rows, x) : x;
  const { q, ...fresh } = queriesKeysValues(model, layer, h, hq, stream);
  const { k, v } = stream.cache ? stream.cache.join(layer, fresh) : fresh;
  const mixed = stream.attention.apply(q, k, v, 1 / Math.sqrt(model.config.headDim));
  const afterAttention = tf.add(xq, project(model, layer, mixed, "o_proj"));
  const g = layerNorm(model, layer, "post_attention_layernorm", afterAttention);
  const inner = swiGlu(project(model, layer, g, "gate_proj"), project(model, layer, g, "up_proj"));
  return tf.add(afterAttention, project(model, layer, inner, "down_proj"));
}

/** One of a layer's two norms. */
export function layerNorm(
  { config, tensors }: Model,
  layer: number,
  name: "input_layernorm" | "post_attention_layernorm",
  x: tf.Tensor,
): tf.Tensor {
  return rmsNorm(x, tensors.get(`model.layers.${layer}.${name}.weight`)!, config.rmsNormEps);
}

function project(
  { tensors, adapt }: Model,
  layer: number,
  x: tf.Tensor,
  projection: Projection,
): tf.Tensor2D {
  const path = projectionPath(layer, projection);
  const y = linear(x, tensors.get(`${path}.weight`)!, tensors.get(`${path}.bias`));
  return adapt ? adapt(path, x, y) : y;
}

/** The final norm. */
export function finalNorm({ config, tensors }: Model, x: tf.Tensor): tf.Tensor {
  return rmsNorm(x, tensors.get("model.norm.weight")!, config.rmsNormEps);
}

/** The output embedding, `[vocab, d]`. */
export function headOf({ config, tensors }: Model): tf.Tensor {
  return tensors.get(config.tiedEmbeddings ? EMBEDDING : "lm_head.weight")!;
}

/** The name of the input embedding. */
export const EMBEDDING = "model.embed_tokens.weight";
