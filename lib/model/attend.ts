import * as tf from "@tensorflow/tfjs";
import { attention, type AttentionLayout } from "../tensor/index.js";

/** One sequence's part of a stream's attention: which queries look at which keys. */
export interface AttentionBlock {
  readonly queryStart: number;
  readonly queries: number;
  readonly keyStart: number;
  readonly keys: number;
  /**
   * `[queries][k]`: half-open ranges of visible keys counted within the block, ascending; see `AttentionLayout.ranges`.
   * Every query has `rangesPerQuery` of them, some possibly empty.
   */
  readonly ranges: Int32Array;
  readonly rangesPerQuery: number;
}

/** Whether one kernel reads ranges as they are; elsewhere attention is a dense product under a mask. */
export function readsRanges(): boolean {
  return tf.getBackend() === "wasm" || tf.getBackend() === "webgpu";
}

/** Attention of a whole stream, prepared once and used by every layer. */
export class StreamAttention {
  private readonly whole: AttentionLayout | undefined;
  private readonly layouts: readonly AttentionLayout[];

  /**
   * @param blocks in the order of their queries, which they cover without gaps
   * @param keys keys in the stream
   */
  constructor(
    private readonly blocks: readonly AttentionBlock[],
    keys: number,
  ) {
    this.layouts = blocks.map(({ queries, keys: own, ranges, rangesPerQuery }) => ({
      rows: 1,
      queries,
      keys: own,
      rangesPerQuery,
      ranges,
    }));
    if (blocks.length === 1 && blocks[0]!.keyStart === 0 && blocks[0]!.keys === keys)
      this.whole = this.layouts[0];
    else if (readsRanges()) this.whole = joined(blocks, keys);
  }

  /**
   * @param q `[queries, heads, headDim]`
   * @param k `[keys, kvHeads, headDim]`
   * @param v `[keys, kvHeads, headDim]`
   * @returns `[queries, heads · headDim]`
   */
  apply(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, scale: number): tf.Tensor2D {
    if (this.whole) return attention(q, k, v, this.whole, scale);
    // A dense mask over the stream would grow with its square: one product for each block instead.
    const parts = this.blocks.map((block, i) => {
      const rows = (x: tf.Tensor, start: number, size: number): tf.Tensor =>
        tf.slice(x, [start, 0, 0], [size, x.shape[1]!, x.shape[2]!]);
      return attention(
        rows(q, block.queryStart, block.queries),
        rows(k, block.keyStart, block.keys),
        rows(v, block.keyStart, block.keys),
        this.layouts[i]!,
        scale,
      );
    });
    return parts.length === 1 ? parts[0]! : (tf.concat(parts, 0) as tf.Tensor2D);
  }
}

/** All blocks as one layout over the whole stream's keys. */
function joined(blocks: readonly AttentionBlock[], keys: number): AttentionLayout {
  const queries = blocks.reduce((sum, block) => sum + block.queries, 0);
  const rangesPerQuery = Math.max(...blocks.map((block) => block.rangesPerQuery));
  const ranges = new Int32Array(queries * rangesPerQuery * 2);
  for (const block of blocks) {
    const width = block.rangesPerQuery * 2;
    for (let i = 0; i < block.queries; i++) {
      const at = (block.queryStart + i) * rangesPerQuery * 2;
      for (let k = 0; k < width; k++) ranges[at + k] = block.ranges[i * width + k]! + block.keyStart;
    }
  }
  return { rows: 1, queries, keys, rangesPerQuery, ranges };
}
