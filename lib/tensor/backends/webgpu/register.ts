import * as tf from "@tensorflow/tfjs";
import { multiply } from "./product.js";
import { webgpuRuntime } from "./runtime.js";

let done = false;

/** Replaces tfjs's product of two matrices on `webgpu`, for everything that runs on it. Batches are left to tfjs. */
export function replaceProduct(): void {
  if (done) return;
  done = true;
  const theirs = tf.getKernel("BatchMatMul", "webgpu").kernelFunc;
  tf.unregisterKernel("BatchMatMul", "webgpu");
  tf.registerKernel({
    kernelName: "BatchMatMul",
    backendName: "webgpu",
    kernelFunc: (call) => {
      const { a, b } = call.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
      const { transposeA, transposeB } = call.attrs as unknown as {
        transposeA: boolean;
        transposeB: boolean;
      };
      const runtime = webgpuRuntime();
      const matrices = [a, b].every(({ shape, dtype }) => shape.length === 2 && dtype === "float32");
      if (runtime === undefined || !matrices) return theirs(call);
      const [m, k] = transposeA ? [a.shape[1]!, a.shape[0]!] : [a.shape[0]!, a.shape[1]!];
      const n = b.shape[transposeB ? 0 : 1]!;
      if (k !== b.shape[transposeB ? 1 : 0] || m * n * k === 0) return theirs(call);
      const out = runtime.output([m, n]);
      multiply(runtime, [m, n, k], { of: a, transposed: transposeA }, { of: b, transposed: transposeB }, out);
      return out;
    },
  });
}
