import * as tf from "@tensorflow/tfjs";
import { wasmRuntime, type WasmRuntime } from "../backends/wasm/runtime.js";

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
  const runtime = wasmRuntime();
  if (runtime !== undefined)
    return fusedStep(parameter, gradient, firstMoment, secondMoment, settings, runtime);
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

function fusedStep(
  parameter: tf.Variable,
  gradient: tf.Tensor,
  firstMoment: tf.Variable,
  secondMoment: tf.Variable,
  settings: AdamWStep,
  runtime: WasmRuntime,
): void {
  const { learningRate, beta1, beta2, epsilon, weightDecay, step, gradientScale = 1 } = settings;
  for (const variable of [parameter, firstMoment, secondMoment]) ownMemory(variable, runtime);
  const rates = runtime.area("adamW", 36);
  runtime
    .floats(rates, 9)
    .set([
      ...[gradientScale, beta1, 1 - beta1, beta2, 1 - beta2, Math.sqrt(1 - beta2 ** step), epsilon],
      ...[learningRate / (1 - beta1 ** step), 1 - learningRate * weightDecay],
    ]);
  const tensors = [parameter, gradient, firstMoment, secondMoment];
  runtime.run("adamW", ...tensors.map((tensor) => runtime.address(tensor)), rates, parameter.size);
}

/** A variable may share its memory with a clone somebody keeps; it then gets its own before it is written. */
function ownMemory(variable: tf.Variable, runtime: WasmRuntime): void {
  if (runtime.sharers(variable) <= 1) return;
  const copy = runtime.output(variable.shape);
  const from = runtime.floats(runtime.address(variable), variable.size);
  runtime.floats(runtime.address(copy), copy.size).set(from);
  variable.assign(copy);
  copy.dispose();
}

/**
 * The sum of squares over all tensors, as a scalar tensor (its root is the global gradient norm).
 * Read it with `await data()`: `webgpu` has no synchronous reads.
 */
export function sumOfSquares(tensors: readonly tf.Tensor[]): tf.Scalar {
  const runtime = wasmRuntime();
  if (runtime !== undefined) {
    // Blocks of 4,096 in float32, and their sum in float64: a million squares lose nothing that matters.
    const at = runtime.area("sumOfSquares", 4);
    let sum = 0;
    for (const tensor of tensors) {
      for (let start = 0; start < tensor.size; start += 4096) {
        const count = Math.min(4096, tensor.size - start);
        runtime.run("sumOfSquares", runtime.address(tensor) + 4 * start, count, at);
        sum += runtime.floats(at, 1)[0]!;
      }
    }
    return tf.scalar(sum);
  }
  return tf.tidy(() => tf.addN([tf.scalar(0), ...tensors.map((x) => tf.sum(tf.square(x)))]) as tf.Scalar);
}
