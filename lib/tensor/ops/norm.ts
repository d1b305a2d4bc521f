import * as tf from "@tensorflow/tfjs";
import * as gpu from "../backends/webgpu/elementwise.js";
import { defineOp, firstOf, ownKernels } from "./define.js";

/**
 * Root-mean-square normalisation (Zhang & Sennrich 2019): `x / sqrt(mean(x²) + eps) · weight`, over the last axis.
 * @param x `[…, d]`
 * @param weight `[d]`
 * @param eps added to the mean square; Qwen2 uses 1e-6
 */
export function rmsNorm(x: tf.Tensor, weight: tf.Tensor, eps: number): tf.Tensor {
  if (ownKernels()) return firstOf(rmsNormOp([x, weight], { eps }));
  return tf.tidy(() => {
    const meanSquare = tf.mean(tf.square(x), -1, true);
    return tf.mul(tf.mul(x, tf.rsqrt(tf.add(meanSquare, eps))), weight);
  });
}

const rmsNormOp = defineOp<{ readonly eps: number }>({
  name: "AisleRmsNorm",
  saveInputs: [0, 1],
  saveOutputs: [false, true],
  fused: {
    forward: ([x, weight], { eps }, runtime) => {
      const d = weight!.size;
      const rows = x!.size / d;
      const [out, inverse] = [runtime.output(x!.shape), runtime.output([rows])];
      const [xAt, weightAt] = [runtime.address(x!), runtime.address(weight!)];
      runtime.run("rmsNorm", xAt, weightAt, runtime.address(out), runtime.address(inverse), rows, d, eps);
      return [out, inverse];
    },
    backward: ([dy], [x, weight, inverse], _attrs, runtime) => {
      const d = weight!.size;
      const [dx, dWeight] = [runtime.output(x!.shape), runtime.zeros([d])];
      runtime.run(
        "rmsNormGradient",
        ...[dy!, x!, weight!, inverse!, dx, dWeight].map((tensor) => runtime.address(tensor)),
        x!.size / d,
        d,
      );
      return [() => dx, () => dWeight];
    },
  },
  gpu: {
    forward: ([x, weight], { eps }, runtime) => gpu.rmsNorm(runtime, x!, weight!, eps),
    backward: ([dy], [x, weight, inverse], _attrs, runtime) => [
      () => gpu.rmsNormInput(runtime, dy!, [x!, weight!, inverse!]),
      () => gpu.rmsNormWeight(runtime, dy!, [x!, weight!, inverse!]),
    ],
  },
});
