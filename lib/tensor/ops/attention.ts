import * as tf from "@tensorflow/tfjs";
import { wasmRuntime } from "../backends/wasm/runtime.js";
import { takes } from "../backends/webgpu/attention-tiles.js";
import { webgpuRuntime } from "../backends/webgpu/runtime.js";
import { attentionOp } from "./attention-fused.js";
import { firstOf } from "./define.js";
import { maskOf, type AttentionLayout } from "./layout.js";

/**
 * Grouped-query attention (Ainslie et al. 2023) over a layout of visible keys: `softmax(scale · q kᵀ + mask) v`.
 * Query head `h` reads key/value head `floor(h / (heads / kvHeads))`, as Qwen2 does.
 * @param q `[rows · queries, heads, headDim]`, rotary positions applied
 * @param k `[rows · keys, kvHeads, headDim]`; of one row more on `wasm`, which are not looked at
 * @param v as `k`
 * @param layout who sees whom; see {@link AttentionLayout}
 * @param scale usually `1 / sqrt(headDim)`
 * @returns `[rows · queries, heads · headDim]`
 */
export function attention(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  layout: AttentionLayout,
  scale: number,
): tf.Tensor2D {
  const [tokens, heads, headDim] = q.shape as [number, number, number];
  const kvHeads = k.shape[1]!;
  const group = heads / kvHeads;
  const { rows, queries, keys } = layout;
  const fused = wasmRuntime() !== undefined;
  // The fused kernel touches only keys that some query sees, so that a cache may have room behind its last one.
  const fits = (x: tf.Tensor): boolean =>
    fused && rows === 1 ? x.shape[0]! >= keys : x.shape[0] === rows * keys;
  if (tokens !== rows * queries || !fits(k) || !fits(v)) {
    throw new RangeError(
      `The layout is for ${rows} × ${queries} queries and ${rows} × ${keys} keys, not ${tokens} and ${k.shape[0]}.`,
    );
  }
  const runtime = webgpuRuntime();
  const ours = fused || (runtime !== undefined && takes(runtime, layout, headDim));
  if (ours) return firstOf(attentionOp([q, k, v], { layout, scale })) as tf.Tensor2D;
  return tf.tidy(() => {
    const { additive, anything } = maskOf(layout);
    // [rows, queries, kvHeads, group, headDim] -> [rows, kvHeads, group · queries, headDim]: one product for each kv head.
    const qs = tf.reshape(
      tf.transpose(tf.reshape(tf.mul(q, scale), [rows, queries, kvHeads, group, headDim]), [0, 2, 3, 1, 4]),
      [rows * kvHeads, group * queries, headDim],
    );
    const perHead = (x: tf.Tensor): tf.Tensor =>
      tf.reshape(tf.transpose(tf.reshape(x, [rows, keys, kvHeads, headDim]), [0, 2, 1, 3]), [
        rows * kvHeads,
        keys,
        headDim,
      ]);
    const scores = tf.reshape(tf.matMul(qs, perHead(k), false, true), [rows, heads, queries, keys]);
    const masked = tf.add(scores, tf.tensor(additive, [rows, 1, queries, keys]));
    const weights = tf.reshape(tf.softmax(masked), [rows * kvHeads, group * queries, keys]);
    const mixed = tf.reshape(tf.matMul(weights, perHead(v)), [rows, heads, queries, headDim]);
    const out = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [rows * queries, heads * headDim]);
    const allSee = anything.every((x) => x === 1);
    return (allSee ? out : tf.mul(out, tf.tensor(anything, [rows * queries, 1]))) as tf.Tensor2D;
  });
}
