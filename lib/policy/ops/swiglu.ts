import * as tf from "@tensorflow/tfjs";

/**
 * The gated unit of Qwen2's feed-forward layer (Shazeer 2020): `silu(gate) · up`, with `silu(x) = x · sigmoid(x)`.
 * @param gate `[…, f]`
 * @param up `[…, f]`
 */
export function swiGlu(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.mul(tf.mul(gate, tf.sigmoid(gate)), up));
}
