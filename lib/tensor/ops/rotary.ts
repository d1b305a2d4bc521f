import * as tf from "@tensorflow/tfjs";
import type { WasmRuntime } from "../backends/wasm/runtime.js";
import * as gpu from "../backends/webgpu/elementwise.js";
import { defineOp, ownKernels } from "./define.js";

/**
 * Rotary positions (Su et al. 2021) in Hugging Face's convention: `x · cos + rotateHalf(x) · sin`, where
 * `rotateHalf([a, b]) = [-b, a]` on the two halves of each head. The angles are constants: no gradient goes to them.
 * @param x `[t, heads, headDim]`
 * @param cos `[t, headDim]`, each half the same angles
 * @param sin `[t, headDim]`
 */
export function rotary(x: tf.Tensor, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor3D {
  if (ownKernels()) return rotaryOp([x, cos, sin], {})[0] as tf.Tensor3D;
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

const rotaryOp = defineOp<object>({
  name: "AisleRotary",
  saveInputs: [1, 2],
  fused: {
    forward: ([x, cos, sin], _attrs, runtime) => [rotate("rotary", x!, cos!, sin!, runtime)],
    backward: ([dy], [cos, sin], _attrs, runtime) => [
      () => rotate("rotaryGradient", dy!, cos!, sin!, runtime),
      () => runtime.zeros(cos!.shape),
      () => runtime.zeros(sin!.shape),
    ],
  },
  gpu: {
    forward: ([x, cos, sin], _attrs, runtime) => [gpu.rotate(runtime, x!, cos!, sin!, 1)],
    backward: ([dy], [cos, sin], _attrs, runtime) => [
      () => gpu.rotate(runtime, dy!, cos!, sin!, -1),
      () => tf.zerosLike(cos!),
      () => tf.zerosLike(sin!),
    ],
  },
});

function rotate(
  kernel: string,
  x: tf.Tensor,
  cos: tf.Tensor,
  sin: tf.Tensor,
  runtime: WasmRuntime,
): tf.Tensor {
  const [t, heads, headDim] = x.shape as [number, number, number];
  const out = runtime.output(x.shape);
  const addresses = [x, cos, sin, out].map((tensor) => runtime.address(tensor));
  runtime.run(kernel, ...addresses, t, heads, headDim / 2);
  return out;
}
