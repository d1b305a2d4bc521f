/** A look inside, for demonstrations: what the model expects next and what it looks at. */
import * as tf from "@tensorflow/tfjs";
import {
  type Angles,
  anglesAt,
  decoderLayer,
  finalNorm,
  headOf,
  layerNorm,
  type Model,
  queriesKeysValues,
  StreamAttention,
} from "../model/index.js";
import { causalLayout } from "../tensor/index.js";
import { exponentials } from "./sampling/exponential.js";
import type { Embed } from "./sampling/forward.js";

/** The model's probabilities and attention weights for a text. */
export interface Inspection {
  /** Probability of each token to come next. `[vocab]` */
  readonly next: Float32Array;
  /** How much each token looks at each earlier one: one `[heads, time, time]` for each layer; each row sums to 1. */
  readonly attention: readonly Float32Array[];
}

/** Runs a text through the model and reads everything out. */
export async function inspect(model: Model, embed: Embed, ids: readonly number[]): Promise<Inspection> {
  const time = ids.length;
  const { ranges, rangesPerQuery } = causalLayout(1, time);
  const block = { queryStart: 0, queries: time, keyStart: 0, keys: time, ranges, rangesPerQuery };
  const { logits, weights } = tf.tidy(() => {
    const angles = anglesAt(
      model.config,
      Int32Array.from(ids, (_, i) => i),
    );
    const stream = { angles, attention: new StreamAttention([block], time) };
    let x: tf.Tensor = embed(Int32Array.from(ids));
    const looked: tf.Tensor[] = [];
    for (let layer = 0; layer < model.config.layers; layer++) {
      looked.push(attentionWeights(model, layer, x, angles));
      x = decoderLayer(model, layer, x, stream);
    }
    const last = tf.slice(finalNorm(model, x), [time - 1, 0], [1, -1]);
    return { logits: tf.matMul(last, headOf(model), false, true), weights: looked };
  });
  const z = (await logits.data()) as Float32Array;
  const probabilities = new Float64Array(z.length);
  const { sum } = exponentials(z, 1, probabilities);
  const attention: Float32Array[] = [];
  for (const tensor of weights) attention.push((await tensor.data()) as Float32Array);
  tf.dispose([logits, weights]);
  return { next: Float32Array.from(probabilities, (p) => p / sum), attention };
}

/** `softmax(q kᵀ / √headDim)` under the causal mask, `[heads, time, time]`. */
function attentionWeights(model: Model, layer: number, x: tf.Tensor, angles: Angles): tf.Tensor {
  const { heads, keyValueHeads, headDim } = model.config;
  const time = x.shape[0]!;
  return tf.tidy(() => {
    const h = layerNorm(model, layer, "input_layernorm", x);
    const { q, k } = queriesKeysValues(model, layer, h, h, { angles });
    const headOfKey = Int32Array.from({ length: heads }, (_, i) => Math.floor((i * keyValueHeads) / heads));
    const keys = tf.gather(k, tf.tensor1d(headOfKey, "int32"), 1);
    const scores = tf.matMul(tf.transpose(q, [1, 0, 2]), tf.transpose(keys, [1, 2, 0]));
    const hidden = Float32Array.from({ length: time * time }, (_, i) =>
      i % time > Math.floor(i / time) ? -1e9 : 0,
    );
    return tf.softmax(tf.add(tf.mul(scores, 1 / Math.sqrt(headDim)), tf.tensor3d(hidden, [1, time, time])));
  });
}
