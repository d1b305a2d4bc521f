import { InputError } from "../../base/index.js";

/**
 * Who sees whom in attention, as ranges of keys instead of a `[t, s]` matrix: a causal row needs one range for each
 * query, a packed completion two (the prompt, and itself up to now), a tree of shared prefixes a few.
 * Rows are independent sequences laid one after another: query `i` of row `r` is row `r · queries + i` of q, and sees
 * only keys of its own row (`r · keys` onwards).
 */
export interface AttentionLayout {
  /** Independent sequences. */
  readonly rows: number;
  /** Queries in each row. */
  readonly queries: number;
  /** Keys in each row. */
  readonly keys: number;
  /** Ranges of each query. */
  readonly rangesPerQuery: number;
  /**
   * `[rows · queries, rangesPerQuery, 2]`: half-open ranges `[start, end)` of keys, counted within the row, ascending and
   * disjoint; an empty range is `[x, x)`. A query that sees nothing gets zeros.
   */
  readonly ranges: Int32Array;
}

/**
 * Plain causal rows: `rows` sequences of `length` tokens each; query `i` sees keys `0 … i`.
 * Right padding needs nothing more: what follows a row's real tokens is never seen by them.
 * @param past keys that come before the first query in each row (a KV cache)
 */
export function causalLayout(rows: number, length: number, past = 0): AttentionLayout {
  const ranges = new Int32Array(rows * length * 2);
  for (let r = 0, at = 0; r < rows; r++) {
    for (let i = 0; i < length; i++, at += 2) ranges[at + 1] = past + i + 1;
  }
  return { rows, queries: length, keys: past + length, rangesPerQuery: 1, ranges };
}

/**
 * One packed row `[prefix][completion 1]…[completion n]`: the prefix is causal, a completion sees the prefix and itself.
 * @param prefix tokens of the shared prefix
 * @param completions tokens of each completion, in the order they are packed
 */
export function packedLayout(prefix: number, completions: readonly number[]): AttentionLayout {
  return treeLayout([
    { length: prefix, parent: -1 },
    ...completions.map((length) => ({ length, parent: 0 })),
  ]);
}

/**
 * Segments packed in one row, each seeing itself causally and every token of its chain of parents. With more than one level this
 * packs steps that share prefixes of prefixes (multi-turn GiGPO).
 * @param segments in packed order; `parent` is the index of an earlier segment, or -1
 * @throws InputError when a parent does not come before its child.
 */
export function treeLayout(
  segments: readonly { readonly length: number; readonly parent: number }[],
): AttentionLayout {
  const chains: { start: number; end: number }[][] = [];
  let length = 0;
  let rangesPerQuery = 1;
  segments.forEach((segment, s) => {
    if (segment.parent >= s || segment.parent < -1 || !Number.isInteger(segment.parent)) {
      throw new InputError(
        `Segment ${s} names parent ${segment.parent}; a parent must come before its child.`,
      );
    }
    const inherited = segment.parent < 0 ? [] : chains[segment.parent]!;
    // Neighbouring ranges become one, so that the first segment after its parent costs no extra range.
    const chain = [...inherited];
    const last = chain[chain.length - 1];
    if (last !== undefined && last.end === length)
      chain[chain.length - 1] = { ...last, end: length + segment.length };
    else chain.push({ start: length, end: length + segment.length });
    chains.push(chain);
    rangesPerQuery = Math.max(rangesPerQuery, chain.length);
    length += segment.length;
  });
  const ranges = new Int32Array(length * rangesPerQuery * 2);
  let query = 0;
  segments.forEach((segment, s) => {
    const chain = chains[s]!;
    for (let i = 0; i < segment.length; i++, query++) {
      for (let k = 0; k < rangesPerQuery; k++) {
        const at = (query * rangesPerQuery + k) * 2;
        const range = chain[k];
        ranges[at] = range?.start ?? query;
        ranges[at + 1] = range === undefined ? query : k === chain.length - 1 ? query + 1 : range.end;
      }
    }
  });
  return { rows: 1, queries: length, keys: length, rangesPerQuery, ranges };
}

/**
 * The layout as an additive mask and a visibility mask, for backends without a fused kernel.
 * @returns `additive` `[rows, queries, keys]` (0 or -1e9) and `anything` `[rows · queries]` (1 when the query sees a key)
 */
export function maskOf(layout: AttentionLayout): { additive: Float32Array; anything: Float32Array } {
  const { rows, queries, keys, rangesPerQuery, ranges } = layout;
  const additive = new Float32Array(rows * queries * keys).fill(-1e9);
  const anything = new Float32Array(rows * queries);
  for (let query = 0; query < rows * queries; query++) {
    for (let k = 0; k < rangesPerQuery; k++) {
      const at = (query * rangesPerQuery + k) * 2;
      const [start, end] = [ranges[at]!, ranges[at + 1]!];
      if (end <= start) continue;
      additive.fill(0, query * keys + start, query * keys + end);
      anything[query] = 1;
    }
  }
  return { additive, anything };
}
