import * as tf from "@tensorflow/tfjs";
import { wasmRuntime } from "../backends/wasm/runtime.js";
import { defineOp } from "./define.js";

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
  if (wasmRuntime() === undefined) {
    const product = tf.matMul(x, weight, false, true);
    return (bias === undefined ? product : tf.add(product, bias)) as tf.Tensor2D;
  }
  return linearOp(bias === undefined ? [x, weight] : [x, weight, bias], {})[0] as tf.Tensor2D;
}

const linearOp = defineOp<object>({
  name: "AisleLinear",
  saveInputs: [0, 1],
  fused: {
    forward: ([x, weight, bias], _attrs, runtime) => {
      const [n, width] = x!.shape as [number, number];
      const outs = weight!.shape[0]!;
      const y = runtime.output([n, outs]);
      const at = runtime.address(y);
      runtime.multiply(n, outs, width, runtime.address(x!), false, runtime.address(weight!), true, at);
      if (bias !== undefined) runtime.run("addBias", at, runtime.address(bias), n, outs);
      return [y];
    },
    backward: ([dy], [x, weight], _attrs, runtime) => {
      const [n, width] = x!.shape as [number, number];
      const outs = weight!.shape[0]!;
      const dyAt = runtime.address(dy!);
      return [
        () => {
          const dx = runtime.output([n, width]);
          runtime.multiply(n, width, outs, dyAt, false, runtime.address(weight!), false, runtime.address(dx));
          return dx;
        },
        () => {
          const dw = runtime.output([outs, width]);
          runtime.multiply(outs, width, n, dyAt, true, runtime.address(x!), false, runtime.address(dw));
          return dw;
        },
        () => {
          const db = runtime.zeros([outs]);
          runtime.run("sumRows", dyAt, runtime.address(db), n, outs);
          return db;
        },
      ];
    },
  },
});
