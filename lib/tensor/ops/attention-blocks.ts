import type { AttentionLayout } from "./layout.js";

/** A run of keys, and the column of a block's scores where it starts. */
export interface KeyRun {
  readonly start: number;
  readonly length: number;
  readonly column: number;
}

/** Neighbouring queries of one row, and all the keys that any of them sees; every other key is skipped. */
export interface AttentionBlock {
  readonly row: number;
  readonly firstQuery: number;
  readonly queries: number;
  readonly runs: readonly KeyRun[];
  readonly columns: number;
  /** Like the layout's ranges, for this block's queries and in its own columns. */
  readonly ranges: Int32Array;
}

/** How a layout is cut into blocks, and what the largest block needs. */
export interface AttentionPlan {
  readonly blocks: readonly AttentionBlock[];
  readonly scores: number;
  readonly rangeCount: number;
}

/** Queries in a block: enough that a key is packed once for many of them, few enough that little masked work is done. */
const QUERIES = 48;
/** A gap of fewer keys than this is computed and masked rather than skipped. */
const SMALL_GAP = 8;
/** A block computes at most this many times what its queries see; causal blocks stay below 2. */
const WASTE = 2.5;

const plans = new WeakMap<AttentionLayout, AttentionPlan>();

/** The plan of a layout; made once for each layout. */
export function planOf(layout: AttentionLayout): AttentionPlan {
  let plan = plans.get(layout);
  if (plan === undefined) {
    const blocks: AttentionBlock[] = [];
    for (let row = 0; row < layout.rows; row++) {
      for (let first = 0; first < layout.queries;) {
        const queries = queriesTogether(layout, row, first);
        blocks.push(block(layout, row, first, queries));
        first += queries;
      }
    }
    plan = {
      blocks,
      scores: Math.max(1, ...blocks.map((b) => b.queries * b.columns)),
      rangeCount: Math.max(1, ...blocks.map((b) => b.ranges.length)),
    };
    plans.set(layout, plan);
  }
  return plan;
}

/**
 * How many queries from `first` on make one block: up to QUERIES, as long as most of what they compute together is seen by
 * each. Samples of different prompts, side by side, have little in common; a block for all would be nearly all masked.
 */
function queriesTogether(layout: AttentionLayout, row: number, first: number): number {
  const per = layout.rangesPerQuery * 2;
  const most = Math.min(QUERIES, layout.queries - first);
  const at = (row * layout.queries + first) * per;
  let seen = 0;
  let [low, high] = [Infinity, -Infinity];
  for (let count = 0; count < most; count++) {
    let keys = 0;
    for (let i = at + count * per; i < at + (count + 1) * per; i += 2) {
      const [start, end] = [layout.ranges[i]!, layout.ranges[i + 1]!];
      if (end <= start) continue;
      keys += end - start;
      [low, high] = [Math.min(low, start), Math.max(high, end)];
    }
    seen += keys;
    // The span is what the union can be at most; only where that is wasteful is the union itself looked at.
    if (count > 0 && (high - low) * (count + 1) > WASTE * seen) {
      const runs = union(layout.ranges.subarray(at, at + (count + 1) * per));
      const columns = runs.reduce((sum, run) => sum + run.length, 0);
      if (columns * (count + 1) > WASTE * seen) return count;
    }
  }
  return most;
}

function block(layout: AttentionLayout, row: number, firstQuery: number, queries: number): AttentionBlock {
  const per = layout.rangesPerQuery * 2;
  const at = (row * layout.queries + firstQuery) * per;
  const seen = layout.ranges.subarray(at, at + queries * per);
  const runs = union(seen);
  // From a key to its column: runs are few, so a search through them is quick.
  const column = (key: number): number => {
    const run = runs.find((r) => key >= r.start && key <= r.start + r.length);
    return run === undefined ? 0 : run.column + key - run.start;
  };
  const ranges = new Int32Array(seen.length);
  for (let i = 0; i < seen.length; i += 2) {
    if (seen[i + 1]! <= seen[i]!) continue;
    ranges[i] = column(seen[i]!);
    ranges[i + 1] = ranges[i]! + seen[i + 1]! - seen[i]!;
  }
  // Empty ranges go where the one before them ended, so that they stay ascending.
  for (let i = 0; i < seen.length; i += 2) {
    if (ranges[i + 1]! === 0 && i % per > 0) ranges[i] = ranges[i + 1] = ranges[i - 1]!;
  }
  const last = runs[runs.length - 1];
  return {
    row,
    firstQuery,
    queries,
    runs,
    columns: last === undefined ? 0 : last.column + last.length,
    ranges,
  };
}

/** The union of ranges as ascending runs, over small gaps. */
function union(ranges: Int32Array): KeyRun[] {
  const pairs: [number, number][] = [];
  for (let i = 0; i < ranges.length; i += 2)
    if (ranges[i + 1]! > ranges[i]!) pairs.push([ranges[i]!, ranges[i + 1]!]);
  pairs.sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [start, end] of pairs) {
    const last = merged[merged.length - 1];
    if (last !== undefined && start <= last[1] + SMALL_GAP) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  let column = 0;
  return merged.map(([start, end]) => {
    const run = { start, length: end - start, column };
    column += run.length;
    return run;
  });
}
