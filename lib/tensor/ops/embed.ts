import * as tf from "@tensorflow/tfjs";
import { defineOp } from "./define.js";

/** At most this many elements of a one-hot matrix at a time, where a backend cannot add rows by index. */
const ONE_HOT_ELEMENTS = 1 << 24;

/**
 * Rows of an embedding table.
 * @param ids token ids, each in `[0, vocab)`
 * @param table `[vocab, d]`
 * @returns `[ids.length, d]`
 */
export function embed(ids: Int32Array, table: tf.Tensor): tf.Tensor2D {
  const [vocab, d] = table.shape as [number, number];
  checkIds(ids, vocab);
  return embedOp([table], { ids, vocab, d })[0] as tf.Tensor2D;
}

/**
 * Ids index memory directly, so they are checked first.
 * @throws RangeError naming the id and its position.
 */
export function checkIds(ids: Int32Array, vocab: number): void {
  const at = ids.findIndex((id) => id < 0 || id >= vocab);
  if (at >= 0)
    throw new RangeError(`Token ${ids[at]} at position ${at} is outside the vocabulary of ${vocab}.`);
}

const embedOp = defineOp<{ readonly ids: Int32Array; readonly vocab: number; readonly d: number }>({
  name: "AisleEmbed",
  saveInputs: [],
  fused: {
    forward: ([table], { ids, d }, runtime) => {
      const out = runtime.output([ids.length, d]);
      const from = runtime.floats(runtime.address(table!), table!.size);
      const to = runtime.floats(runtime.address(out), out.size);
      ids.forEach((id, i) => to.set(from.subarray(id * d, id * d + d), i * d));
      return [out];
    },
    backward: ([dy], _saved, { ids, vocab, d }, runtime) => [
      () => {
        const out = runtime.zeros([vocab, d]);
        const [from, to] = [runtime.address(dy!), runtime.address(out)];
        ids.forEach((id, i) => runtime.run("addInto", from + i * d * 4, to + id * d * 4, d));
        return out;
      },
    ],
  },
  composed: {
    forward: ([table], { ids }) => [tf.gather(table!, tf.tensor1d(ids, "int32"))],
    backward: ([dy], _saved, { ids, vocab }) => [() => scatterRows(dy as tf.Tensor2D, ids, vocab)],
  },
});

/** `out[ids[i]] += rows[i]`: rows `[n, d]` into zeros `[vocab, d]`; where a backend cannot, by a product with one-hot columns. */
function scatterRows(rows: tf.Tensor2D, ids: Int32Array, vocab: number): tf.Tensor2D {
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
