import type { AttentionLayout } from "../../../lib/tensor/ops/index.js";

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
 */
export function treeLayout(
  segments: readonly { readonly length: number; readonly parent: number }[],
): AttentionLayout {
  const chains: { start: number; end: number }[][] = [];
  let length = 0;
  let rangesPerQuery = 1;
  segments.forEach((segment) => {
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
