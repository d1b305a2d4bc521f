import type * as tf from "@tensorflow/tfjs";
import type { WasmRuntime } from "../backends/wasm/runtime.js";
import { attentionBackward } from "../backends/webgpu/attention-backward.js";
import { attentionForward } from "../backends/webgpu/attention-forward.js";
import { planOf, type AttentionBlock } from "./attention-blocks.js";
import { defineOp } from "./define.js";
import type { AttentionLayout } from "./layout.js";

/*
 * Attention by blocks of queries, as in FlashAttention-2 (Dao 2023): the scores of one block and head exist at a time, keys that no
 * query of the block sees are never touched, and the backward pass computes the weights again from each query's largest score and
 * inverse sum. Heads are read in place, as columns of the [tokens, heads · headDim] matrices.
 */

export interface AttentionAttrs {
  readonly layout: AttentionLayout;
  readonly scale: number;
}

/** q, k, v → the mixed values `[n, heads · headDim]`, and `[2, heads, n]`: largest scores and inverse sums. */
export const attentionOp = defineOp<AttentionAttrs>({
  name: "AisleAttention",
  saveInputs: [0, 1, 2],
  saveOutputs: [true, true],
  fused: {
    forward: ([q, k, v], attrs, runtime) => {
      const shape = new Shape(q!, k!, attrs, runtime);
      const out = runtime.output([shape.n, shape.heads * shape.headDim]);
      const statistics = runtime.output([2, shape.heads, shape.n]);
      const [qAt, kAt, vAt] = [runtime.address(q!), runtime.address(k!), runtime.address(v!)];
      const [outAt, statisticsAt] = [runtime.address(out), runtime.address(statistics)];
      shape.eachBlock((block, head, ranges, scores) => {
        const kept = statisticsAt + 4 * (head * shape.n + shape.query(block));
        const outBlock = outAt + shape.queryOffset(block, head);
        if (block.runs.length === 0) shape.clear(outBlock, block.queries);
        shape.scores(block, head, qAt, kAt, scores);
        runtime.run(
          "attentionWeights",
          ...[scores, block.queries, block.columns, ranges, attrs.layout.rangesPerQuery, attrs.scale],
          ...[kept, kept + 4 * shape.heads * shape.n],
        );
        shape.mix(block, head, scores, vAt, outBlock);
      });
      return [out, statistics];
    },
    backward: ([dOut], [q, k, v, out, statistics], attrs, runtime) => {
      const shape = new Shape(q!, k!, attrs, runtime);
      const [dq, dk, dv] = [runtime.output(q!.shape), runtime.zeros(k!.shape), runtime.zeros(v!.shape)];
      const { heads, headDim, n, queryRow, keyRow } = shape;
      const dots = runtime.area("attentionDots", 4 * heads * n);
      const dScores = runtime.area("attentionGradient", 4 * planOf(attrs.layout).scores);
      const at = (tensor: tf.Tensor): number => runtime.address(tensor);
      const [qAt, kAt, vAt, dOutAt, outAt] = [at(q!), at(k!), at(v!), at(dOut!), at(out!)];
      const [dqAt, dkAt, dvAt, statisticsAt] = [at(dq), at(dk), at(dv), at(statistics!)];
      for (let head = 0; head < heads; head++) {
        const offset = 4 * head * headDim;
        runtime.run("rowDots", dOutAt + offset, outAt + offset, dots + 4 * head * n, n, headDim, queryRow);
      }
      shape.eachBlock((block, head, ranges, scores) => {
        const kept = 4 * (head * n + shape.query(block));
        const [atQuery, rows] = [shape.queryOffset(block, head), 4 * block.columns];
        shape.scores(block, head, qAt, kAt, scores);
        shape.scores(block, head, dOutAt, vAt, dScores);
        runtime.run(
          "attentionGradient",
          ...[
            scores,
            dScores,
            block.queries,
            block.columns,
            ranges,
            attrs.layout.rangesPerQuery,
            attrs.scale,
          ],
          ...[statisticsAt + kept, statisticsAt + kept + 4 * heads * n, dots + kept],
        );
        if (block.runs.length === 0) shape.clear(dqAt + atQuery, block.queries);
        shape.mix(block, head, dScores, kAt, dqAt + atQuery);
        for (const run of block.runs) {
          const size = [run.length, headDim, block.queries] as const;
          const atKey = shape.keyOffset(block, head, run.start);
          const column = 4 * run.column;
          runtime.strided(
            size,
            [dScores + column, 4, rows],
            [qAt + atQuery, queryRow, 4],
            [dkAt + atKey, keyRow],
            true,
          );
          runtime.strided(
            size,
            [scores + column, 4, rows],
            [dOutAt + atQuery, queryRow, 4],
            [dvAt + atKey, keyRow],
            true,
          );
        }
      });
      return [() => dq, () => dk, () => dv];
    },
  },
  gpu: {
    forward: ([q, k, v], { layout, scale }, runtime) =>
      attentionForward(runtime, [q!, k!, v!], layout, scale),
    backward: ([dOut], [q, k, v, out, kept], { layout, scale }, runtime) => {
      const [dq, dk, dv] = attentionBackward(runtime, dOut!, [q!, k!, v!, out!, kept!], layout, scale);
      return [() => dq, () => dk, () => dv];
    },
  },
});

/** Sizes and strides of one call. */
class Shape {
  readonly n: number;
  readonly heads: number;
  readonly headDim: number;
  /** Bytes from token to token of q and of k. */
  readonly queryRow: number;
  readonly keyRow: number;
  private readonly group: number;

  constructor(
    q: tf.Tensor,
    k: tf.Tensor,
    private readonly attrs: AttentionAttrs,
    private readonly runtime: WasmRuntime,
  ) {
    [this.n, this.heads, this.headDim] = q.shape as [number, number, number];
    const kvHeads = k.shape[1]!;
    this.group = this.heads / kvHeads;
    this.queryRow = 4 * this.heads * this.headDim;
    this.keyRow = 4 * kvHeads * this.headDim;
  }
  query(block: AttentionBlock): number {
    return block.row * this.attrs.layout.queries + block.firstQuery;
  }
  queryOffset(block: AttentionBlock, head: number): number {
    return this.query(block) * this.queryRow + 4 * head * this.headDim;
  }
  keyOffset(block: AttentionBlock, head: number, key: number): number {
    const kvHead = Math.floor(head / this.group);
    return (block.row * this.attrs.layout.keys + key) * this.keyRow + 4 * kvHead * this.headDim;
  }
  /** Calls back for each block and head, with the block's ranges on the heap and room for its scores. */
  eachBlock(body: (block: AttentionBlock, head: number, ranges: number, scores: number) => void): void {
    const plan = planOf(this.attrs.layout);
    const ranges = this.runtime.area("attentionRanges", 4 * plan.rangeCount);
    const scores = this.runtime.area("attentionScores", 4 * plan.scores);
    for (const block of plan.blocks) {
      this.runtime.integers(ranges, block.ranges.length).set(block.ranges);
      for (let head = 0; head < this.heads; head++) body(block, head, ranges, scores);
    }
  }
  /** `into[query, column] = left[query] · right[key of column]`, over one head. */
  scores(block: AttentionBlock, head: number, left: number, right: number, into: number): void {
    const from = left + this.queryOffset(block, head);
    for (const run of block.runs) {
      this.runtime.strided(
        [block.queries, run.length, this.headDim],
        [from, this.queryRow, 4],
        [right + this.keyOffset(block, head, run.start), 4, this.keyRow],
        [into + 4 * run.column, 4 * block.columns],
        false,
      );
    }
  }
  /** `into[query] = Σ weights[query, column] · values[key of column]`, over one head. */
  mix(block: AttentionBlock, head: number, weights: number, values: number, into: number): void {
    block.runs.forEach((run, i) => {
      this.runtime.strided(
        [block.queries, this.headDim, run.length],
        [weights + 4 * run.column, 4 * block.columns, 4],
        [values + this.keyOffset(block, head, run.start), this.keyRow, 4],
        [into, this.queryRow],
        i > 0,
      );
    });
  }
  /** Zeros for the queries of a block that sees nothing. */
  clear(address: number, queries: number): void {
    for (let i = 0; i < queries; i++) this.runtime.floats(address + i * this.queryRow, this.headDim).fill(0);
  }
}
