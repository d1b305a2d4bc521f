/** LoRA (Hu et al. 2021): `W x + scale · B A x`, on the backend and merged into the weights. */
import * as tf from "@tensorflow/tfjs";
import { stream } from "../base/index.js";
import {
  adapterParameterName,
  adapterScale,
  type AdapterConfig,
  type AdapterFiles,
  type ModelFiles,
  type Weight,
} from "./files/index.js";
import { adapted } from "../tensor/index.js";
import type { Adapt, Tensors } from "./transformer.js";

/** Dropout before A, for one forward pass. */
export interface Dropout {
  readonly probability: number;
  /** The names of the masks: a seed, a step, … */
  readonly names: readonly (string | number)[];
  /** Rows of the batch: each has masks of its own, so that splitting a batch differently changes nothing. */
  readonly rows: readonly { readonly name: number; readonly length: number; readonly queryLength: number }[];
}

/** The addition to each projection by an adapter whose factors are among `tensors`. */
export function adaptWith(config: AdapterConfig, tensors: Tensors, dropout?: Dropout): Adapt {
  return (path, x, y) => {
    const a = tensors.get(adapterParameterName(path, "A"));
    const b = tensors.get(adapterParameterName(path, "B"));
    if (!a || !b) return y;
    const kept = dropout && dropout.probability > 0 ? tf.mul(x, dropoutMask(dropout, path, x.shape)) : x;
    return adapted(kept, a, b, y, adapterScale(config, path));
  };
}

/** 0 or `1 / (1 − p)` for each entry of a projection's input `[tokens, d]`; the same each time it is asked for. */
function dropoutMask(dropout: Dropout, path: string, shape: readonly number[]): tf.Tensor {
  const [tokens, d] = shape as [number, number];
  const whole = dropout.rows.reduce((sum, row) => sum + row.length, 0) === tokens;
  const mask = new Float32Array(tokens * d);
  const keep = 1 / (1 - dropout.probability);
  let at = 0;
  for (const row of dropout.rows) {
    const random = stream(dropout.names.join("/"), "dropout", row.name, path);
    const end = at + (whole ? row.length : row.queryLength) * d;
    for (; at < end; at++) mask[at] = random.next() < dropout.probability ? 0 : keep;
  }
  return tf.tensor(mask, [tokens, d]);
}

/**
 * A model with an adapter's `scale · B A` added to its weights (`sign` 1), or taken away again (`sign` −1).
 * Nothing is computed before a weight's values are asked for.
 */
export function mergeAdapter(model: ModelFiles, adapter: AdapterFiles, sign: 1 | -1 = 1): ModelFiles {
  const weights = new Map(model.weights);
  for (const [path, { a, b }] of adapter.factors) {
    const name = `${path}.weight`;
    const base = model.weights.get(name)!;
    const scale = sign * adapterScale(adapter.config, path);
    weights.set(name, { shape: base.shape, data: (into) => addProduct(base.data(into), b, a, scale) });
  }
  return { config: model.config, weights };
}

/** `w + scale · B A`, in place, each sum in double precision and rounded once. */
function addProduct(w: Float32Array, b: Weight, a: Weight, scale: number): Float32Array {
  const [outputs, rank] = b.shape as [number, number];
  const inputs = a.shape[1]!;
  const [bs, as] = [b.data(), a.data()];
  const row = new Float64Array(inputs);
  for (let o = 0; o < outputs; o++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = bs[o * rank + r]! * scale;
      for (let i = 0, at = r * inputs; i < inputs; i++) row[i]! += factor * as[at + i]!;
    }
    for (let i = 0, at = o * inputs; i < inputs; i++) w[at + i]! += row[i]!;
  }
  return w;
}
