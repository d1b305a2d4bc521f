/** Some tokens' way through the model, from their embeddings to the logits. */
import * as tf from "@tensorflow/tfjs";
import { decoderLayer, finalNorm, headOf, type Model, type Stream } from "../../model/index.js";

/** Rows of the input embedding, `[ids, d]`. */
export type Embed = (ids: Int32Array) => tf.Tensor2D;

/** Tokens that go through the model at once; a longer prompt goes alone. */
export const AT_ONCE = 4096;

/** Logits `[rows, vocab]` of embedded tokens; a layer's stream says which of them it is asked for. */
export function run(model: Model, input: tf.Tensor, streamOf: (layer: number) => Stream): tf.Tensor2D {
  let x = input;
  for (let layer = 0; layer < model.config.layers; layer++) {
    const next = tf.tidy(() => decoderLayer(model, layer, x, streamOf(layer)));
    x.dispose();
    x = next;
  }
  return tf.matMul(finalNorm(model, x) as tf.Tensor2D, headOf(model) as tf.Tensor2D, false, true);
}

/** Numbers of logits, which are used up. */
export async function read(logits: tf.Tensor): Promise<Float32Array> {
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}
