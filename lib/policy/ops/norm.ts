import * as tf from "@tensorflow/tfjs";

/**
 * Root-mean-square normalisation (Zhang & Sennrich 2019): `x / sqrt(mean(x²) + eps) · weight`, over the last axis.
 * @param x `[…, d]`
 * @param weight `[d]`
 * @param eps added to the mean square; Qwen2 uses 1e-6
 */
export function rmsNorm(x: tf.Tensor, weight: tf.Tensor, eps: number): tf.Tensor {
  return tf.tidy(() => {
    const meanSquare = tf.mean(tf.square(x), -1, true);
    return tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, eps))), weight);
  });
}
