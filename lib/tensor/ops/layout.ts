/**
 * The visible keys of each query in attention, as ranges of keys instead of a `[t, s]` matrix: a causal row needs one range for each
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
