import * as tf from "@tensorflow/tfjs";

/**
 * A matrix product, `[m, k] × [k, n]` or batches of it, with either side read transposed.
 * On `wasm` and `native` it runs on Aisle's own product (see `backends/`), gradients included.
 */
export function matMul(a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor {
  return tf.matMul(a, b, transposeA, transposeB);
}

/**
 * A linear layer in the layout of PyTorch and Hugging Face: `x · weightᵀ + bias`.
 * @param x `[n, in]`
 * @param weight `[out, in]`
 * @param bias `[out]`, or nothing
 * @returns `[n, out]`
 */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor2D {
  const product = tf.matMul(x, weight, false, true);
  return (bias === undefined ? product : tf.add(product, bias)) as tf.Tensor2D;
}
