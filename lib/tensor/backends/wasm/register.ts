import * as tf from "@tensorflow/tfjs";
import { wasmRuntime } from "./runtime.js";

/**
 * Replaces kernels of tfjs's `wasm` backend, for everything that runs on it: the matrix product (tfjs's own is a plain loop when
 * a side is transposed or there is more than one batch) and Identity (tfjs's own copies the numbers).
 */
export function replaceKernels(): void {
  replace("BatchMatMul", ({ inputs, attrs }) => {
    const { a, b } = inputs as { a: tf.Tensor; b: tf.Tensor };
    const { transposeA, transposeB } = attrs as unknown as { transposeA: boolean; transposeB: boolean };
    return batchMatMul(a, b, transposeA, transposeB);
  });
  replace("Identity", ({ inputs, backend }) => {
    const x = inputs["x"]!;
    (backend as tf.KernelBackend).incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  });
}

function replace(kernelName: string, kernelFunc: tf.KernelFunc): void {
  tf.unregisterKernel(kernelName, "wasm");
  tf.registerKernel({ kernelName, backendName: "wasm", kernelFunc });
}

function batchMatMul(a: tf.Tensor, b: tf.Tensor, transposeA: boolean, transposeB: boolean): tf.Tensor {
  if (a.dtype !== "float32" || b.dtype !== "float32") {
    throw new TypeError(`matMul on wasm needs float32, not ${a.dtype} and ${b.dtype}.`);
  }
  const [aRank, bRank] = [a.shape.length, b.shape.length];
  const [aBatch, bBatch] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const [aRows, aColumns] = [a.shape[aRank - 2]!, a.shape[aRank - 1]!];
  const [bRows, bColumns] = [b.shape[bRank - 2]!, b.shape[bRank - 1]!];
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [kb, n] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
  if (k !== kb) {
    throw new Error(
      `matMul of [${a.shape.join(", ")}] and [${b.shape.join(", ")}]: inner sizes ${k} and ${kb} differ.`,
    );
  }
  const batch = tf.broadcast_util.assertAndGetBroadcastShape(aBatch, bBatch);
  const runtime = wasmRuntime()!;
  const out = runtime.output([...batch, m, n]);
  const [aAt, bAt, cAt] = [runtime.address(a), runtime.address(b), runtime.address(out)];
  const slices = batch.reduce((x, y) => x * y, 1);
  for (let slice = 0; slice < slices; slice++) {
    const aSlice = sourceSlice(slice, batch, aBatch);
    const bSlice = sourceSlice(slice, batch, bBatch);
    runtime.multiply(
      m,
      n,
      k,
      aAt + 4 * aSlice * m * k,
      transposeA,
      bAt + 4 * bSlice * k * n,
      transposeB,
      cAt + 4 * slice * m * n,
    );
  }
  return out;
}

/** The slice of an operand that a slice of the (broadcast) result reads. */
function sourceSlice(slice: number, batch: readonly number[], own: readonly number[]): number {
  let index = 0;
  let stride = 1;
  for (let axis = batch.length - 1, back = own.length - 1; back >= 0; axis--, back--) {
    const position = slice % batch[axis]!;
    slice = Math.floor(slice / batch[axis]!);
    if (own[back] !== 1) index += position * stride;
    stride *= own[back]!;
  }
  return index;
}
