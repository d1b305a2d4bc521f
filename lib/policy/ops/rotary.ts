import * as tf from "@tensorflow/tfjs";

/**
 * Rotary positions (Su et al. 2021) in Hugging Face's convention: `x · cos + rotateHalf(x) · sin`, where
 * `rotateHalf([a, b]) = [-b, a]` on the two halves of each head.
 * @param x `[t, heads, headDim]`
 * @param cos `[t, headDim]`, each half the same angles
 * @param sin `[t, headDim]`
 */
export function rotary(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor3D {
  const [t, heads, headDim] = x.shape as [number, number, number];
  const half = headDim / 2;
  return tf.tidy(() => {
    const first = tf.slice(x, [0, 0, 0], [t, heads, half]);
    const second = tf.slice(x, [0, 0, half], [t, heads, half]);
    const rotated = tf.concat([tf.neg(second), first], 2);
    return tf.add(
      tf.mul(x, tf.reshape(cos, [t, 1, headDim])),
      tf.mul(rotated, tf.reshape(sin, [t, 1, headDim])),
    ) as tf.Tensor3D;
  });
}
