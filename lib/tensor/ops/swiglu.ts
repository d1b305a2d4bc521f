import * as tf from "@tensorflow/tfjs";
import * as gpu from "../backends/webgpu/elementwise.js";
import { defineOp, ownKernels } from "./define.js";

/**
 * The gated unit of Qwen2's feed-forward layer (Shazeer 2020): `silu(gate) · up`, with `silu(x) = x · sigmoid(x)`.
 * @param gate `[…, f]`
 * @param up `[…, f]`
 */
export function swiGlu(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  if (ownKernels()) return swiGluOp([gate, up], {})[0]!;
  return tf.tidy(() => tf.mul(tf.mul(gate, tf.sigmoid(gate)), up));
}

const swiGluOp = defineOp<object>({
  name: "AisleSwiGlu",
  saveInputs: [0, 1],
  fused: {
    forward: ([gate, up], _attrs, runtime) => {
      const out = runtime.output(gate!.shape);
      runtime.run("swiGlu", runtime.address(gate!), runtime.address(up!), runtime.address(out), gate!.size);
      return [out];
    },
    backward: ([dy], [gate, up], _attrs, runtime) => {
      const [dGate, dUp] = [runtime.output(gate!.shape), runtime.output(gate!.shape)];
      runtime.run(
        "swiGluGradient",
        ...[dy!, gate!, up!, dGate, dUp].map((tensor) => runtime.address(tensor)),
        gate!.size,
      );
      return [() => dGate, () => dUp];
    },
  },
  gpu: {
    forward: ([gate, up], _attrs, runtime) => [gpu.swiGlu(runtime, gate!, up!)],
    backward: ([dy], [gate, up], _attrs, runtime) => {
      const [dGate, dUp] = gpu.swiGluGradient(runtime, dy!, gate!, up!);
      return [() => dGate, () => dUp];
    },
  },
});
