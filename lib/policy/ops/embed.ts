import * as tf from "@tensorflow/tfjs";
import { defineOp } from "./define.js";

interface EmbedAttrs {
  readonly ids: Int32Array;
}

/** At most this many elements of a one-hot matrix at a time, where a backend cannot add rows by index. */
const ONE_HOT_ELEMENTS = 1 << 24;

const embedOp = defineOp<EmbedAttrs>({
  name: "AisleEmbed",
  forward: ([table], { ids }) => [tf.gather(table!, tf.tensor1d(ids, "int32"))],
  saveInputs: [0],
  backward: ([dy], [table], { ids }) => [() => scatterRows(dy as tf.Tensor2D, ids, table!.shape[0]!)],
});

/**
 * Rows of an embedding table.
 * @param ids token ids, each in `[0, vocab)`
 * @param table `[vocab, d]`
 * @returns `[ids.length, d]`
 */
export function embed(ids: Int32Array, table: tf.Tensor): tf.Tensor2D {
  return embedOp([table], { ids })[0] as tf.Tensor2D;
}

/**
 * Adds rows into the rows of a zero matrix: `out[ids[i]] += rows[i]`.
 * `wasm` has no UnsortedSegmentSum; there, without Aisle's own kernel, it is a product with one-hot columns.
 * @param rows `[n, d]`
 * @returns `[vocab, d]`
 */
export function scatterRows(rows: tf.Tensor2D, ids: Int32Array, vocab: number): tf.Tensor2D {
  const [n, d] = rows.shape;
  if (tf.getKernel("UnsortedSegmentSum", tf.getBackend()) !== undefined) {
    return tf.tidy(() => tf.unsortedSegmentSum(rows, tf.tensor1d(ids, "int32"), vocab) as tf.Tensor2D);
  }
  const step = Math.max(1, Math.floor(ONE_HOT_ELEMENTS / vocab));
  let sum: tf.Tensor | undefined;
  for (let start = 0; start < n; start += step) {
    const size = Math.min(step, n - start);
    const next = tf.tidy(() => {
      const hot = oneHot(ids.subarray(start, start + size), vocab);
      const part = tf.matMul(hot, tf.slice(rows, [start, 0], [size, d]), true, false);
      return sum === undefined ? part : tf.add(sum, part);
    });
    sum?.dispose();
    sum = next;
  }
  return (sum ?? tf.zeros([vocab, d])) as tf.Tensor2D;
}

/** `[n, depth]` floats. The `wasm` kernel writes integers whatever type it is asked for, hence the cast. */
export function oneHot(ids: Int32Array, depth: number): tf.Tensor2D {
  return tf.tidy(() => tf.cast(tf.oneHot(tf.tensor1d(ids, "int32"), depth), "float32") as tf.Tensor2D);
}
