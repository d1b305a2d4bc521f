import * as tf from "@tensorflow/tfjs";
import { multiply } from "../backends/webgpu/product.js";
import { webgpuRuntime } from "../backends/webgpu/runtime.js";
import { defineOp, firstOf, ownKernels } from "./define.js";

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
  if (!ownKernels()) {
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
  gpu: {
    forward: ([x, weight, bias], _attrs, runtime) => {
      const [n, width] = x!.shape as [number, number];
      const outs = weight!.shape[0]!;
      const y = runtime.output([n, outs]);
      multiply(runtime, [n, outs, width], plain(x!), turned(weight!), y, bias === undefined ? {} : { bias });
      return [y];
    },
    backward: ([dy], [x, weight], _attrs, runtime) => {
      const [n, width] = x!.shape as [number, number];
      const outs = weight!.shape[0]!;
      return [
        () => {
          const dx = runtime.output([n, width]);
          multiply(runtime, [n, width, outs], plain(dy!), plain(weight!), dx);
          return dx;
        },
        () => {
          const dw = runtime.output([outs, width]);
          multiply(runtime, [outs, width, n], turned(dy!), plain(x!), dw);
          return dw;
        },
        () => tf.sum(dy!, 0),
      ];
    },
  },
});

const plain = (of: tf.Tensor): { of: tf.Tensor; transposed: boolean } => ({ of, transposed: false });
const turned = (of: tf.Tensor): { of: tf.Tensor; transposed: boolean } => ({ of, transposed: true });

/**
 * The output of a layer with a low-rank adapter: `y + scale · (x · aᵀ) · bᵀ`.
 * @param x `[n, in]`, what goes into the layer
 * @param a `[rank, in]`
 * @param b `[out, rank]`
 * @param y `[n, out]`, what comes out of it
 */
export function adapted(x: tf.Tensor, a: tf.Tensor, b: tf.Tensor, y: tf.Tensor, scale: number): tf.Tensor2D {
  if (webgpuRuntime() !== undefined) return firstOf(adaptedOp([x, a, b, y], { scale })) as tf.Tensor2D;
  return tf.add(y, linear(tf.mul(linear(x, a), scale), b)) as tf.Tensor2D;
}

const adaptedOp = defineOp<{ readonly scale: number }>({
  name: "AisleAdapted",
  saveInputs: [0, 1, 2],
  saveOutputs: [false, true],
  gpu: {
    forward: ([x, a, b, y], { scale }, runtime) => {
      const [n, width] = x!.shape as [number, number];
      const [outs, rank] = b!.shape as [number, number];
      const inner = runtime.output([n, rank]);
      multiply(runtime, [n, rank, width], plain(x!), turned(a!), inner, { scale });
      const out = runtime.output([n, outs]);
      multiply(runtime, [n, outs, rank], plain(inner), turned(b!), out, { plus: y! });
      return [out, inner];
    },
    backward: ([dOut], [x, a, b, inner], { scale }, runtime) => {
      const [n, width] = x!.shape as [number, number];
      const [outs, rank] = b!.shape as [number, number];
      const dInner = runtime.output([n, rank]);
      multiply(runtime, [n, rank, outs], plain(dOut!), plain(b!), dInner, { scale });
      return [
        () => {
          const dx = runtime.output([n, width]);
          multiply(runtime, [n, width, rank], plain(dInner), plain(a!), dx);
          return dx;
        },
        () => {
          const da = runtime.output([rank, width]);
          multiply(runtime, [rank, width, n], turned(dInner), plain(x!), da);
          return da;
        },
        () => {
          const db = runtime.output([outs, rank]);
          multiply(runtime, [outs, rank, n], turned(dOut!), plain(inner!), db);
          return db;
        },
        () => tf.clone(dOut!),
      ];
    },
  },
});
