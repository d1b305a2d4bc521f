import * as tf from "@tensorflow/tfjs";

/** The settings of one AdamW step. */
export interface AdamWStep {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** The number of this step, from 1: it corrects the bias of the moments. */
  readonly step: number;
  /** Multiplies the gradient first (clipping by norm, mean over micro-batches). Default 1. */
  readonly gradientScale?: number;
}

/**
 * One step of AdamW (Loshchilov & Hutter 2019, algorithm 2, as PyTorch orders it): decay, moments, bias correction, update.
 * The variables are given their new values; on `wasm` and `native` that happens in place.
 */
export function adamWStep(
  parameter: tf.Variable,
  gradient: tf.Tensor,
  firstMoment: tf.Variable,
  secondMoment: tf.Variable,
  settings: AdamWStep,
): void {
  const { learningRate, beta1, beta2, epsilon, weightDecay, step, gradientScale = 1 } = settings;
  tf.tidy(() => {
    const g = gradientScale === 1 ? gradient : tf.mul(gradient, gradientScale);
    const m = tf.add(tf.mul(firstMoment, beta1), tf.mul(g, 1 - beta1));
    const v = tf.add(tf.mul(secondMoment, beta2), tf.mul(tf.square(g), 1 - beta2));
    const denominator = tf.add(tf.div(tf.sqrt(v), Math.sqrt(1 - beta2 ** step)), epsilon);
    const update = tf.mul(tf.div(m, denominator), learningRate / (1 - beta1 ** step));
    const decayed = weightDecay === 0 ? parameter : tf.mul(parameter, 1 - learningRate * weightDecay);
    firstMoment.assign(m);
    secondMoment.assign(v);
    parameter.assign(tf.sub(decayed, update));
  });
}

/**
 * The sum of squares over all tensors, as a scalar tensor (its root is the global gradient norm).
 * Read it with `await data()`: `webgpu` has no synchronous reads.
 */
export function sumOfSquares(tensors: readonly tf.Tensor[]): tf.Scalar {
  return tf.tidy(() => tf.addN([tf.scalar(0), ...tensors.map((x) => tf.sum(tf.square(x)))]) as tf.Scalar);
}
