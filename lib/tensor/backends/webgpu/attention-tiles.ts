/**
 * Code common to attention's kernels. They work by tiles of 16 queries, as in FlashAttention-2 (Dao 2023): scores of one tile and head exist at
 * a time, and keys outside the span that some query of the tile sees are never touched.
 */
import type { AttentionLayout } from "../../ops/layout.js";
import { named } from "./product.js";
import type { Kernel, WebgpuRuntime } from "./runtime.js";

/** Queries in a tile. */
export const QUERIES = 16;
/** Keys at a time, going forward and back. */
export const [KEYS, KEYS_BACK] = [32, 16];
export const THREADS = 128;

/** Whether these kernels take a layout of one row and heads of this size, on a GPU with room for their tiles. */
export function takes(runtime: WebgpuRuntime, layout: AttentionLayout, headDim: number): boolean {
  const tiles = (QUERIES + KEYS) * (4 * headDim + 16);
  return layout.rows === 1 && [32, 64, 128].includes(headDim) && tiles + 4096 <= runtime.sharedBytes;
}

interface Plan {
  /** The layout's ranges, and for each tile of queries the first key it sees and the one after the last. */
  readonly ranges: GPUBuffer;
  readonly spans: GPUBuffer;
}

/** A few queries, as in sampling, see different keys each; a tile then has one, and passes over what that one does not see. */
export const tileOf = ({ queries }: AttentionLayout): number => (queries <= QUERIES ? 1 : QUERIES);

const plans = new WeakMap<AttentionLayout, Plan>();

export function planOf(runtime: WebgpuRuntime, layout: AttentionLayout): Plan {
  let plan = plans.get(layout);
  if (plan === undefined) {
    const { queries, rangesPerQuery, ranges } = layout;
    const size = tileOf(layout);
    const tiles = Math.ceil(queries / size);
    const spans = new Int32Array(tiles * 2);
    for (let tile = 0; tile < tiles; tile++) {
      let [low, high] = [layout.keys, 0];
      const end = Math.min(queries, (tile + 1) * size) * rangesPerQuery * 2;
      for (let i = tile * size * rangesPerQuery * 2; i < end; i += 2) {
        if (ranges[i + 1]! <= ranges[i]!) continue;
        [low, high] = [Math.min(low, ranges[i]!), Math.max(high, ranges[i + 1]!)];
      }
      spans.set([low, high], 2 * tile);
    }
    plan = { ranges: runtime.integers(ranges), spans: runtime.integers(spans) };
    plans.set(layout, plan);
  }
  return plan;
}

export const kernel = (name: string, headDim: number, code: (headDim: number) => string): Kernel =>
  named(`${name} ${headDim}`, () => code(headDim));

/** The beginning of every kernel. p: queries, keys, heads, key heads; ranges per query, scale, queries in a tile. */
export const common = (headDim: number): string => `
  const D4 = ${headDim / 4}u;
  const STRIDE = ${headDim / 4 + 1}u;
  @group(0) @binding(0) var<uniform> p: array<vec4<u32>, 2>;
  fn sees(query: u32, key: u32) -> bool {
    let per = p[1].x;
    for (var r = 0u; r < per; r++) {
      let at = (query * per + r) * 2u;
      if (i32(key) >= ranges[at] && i32(key) < ranges[at + 1u]) { return true; }
    }
    return false;
  }
  fn seesAny(query: u32, start: u32, end: u32) -> bool {
    let per = p[1].x;
    for (var r = 0u; r < per; r++) {
      let at = (query * per + r) * 2u;
      if (i32(end) > ranges[at] && i32(start) < ranges[at + 1u]) { return true; }
    }
    return false;
  }`;

export const MAIN = `
  @compute @workgroup_size(${THREADS})
  fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let head = group.y;
    let heads = p[0].z;
    let kvHead = head / (heads / p[0].w);
    let scale = bitcast<f32>(p[1].y);`;

/** Loads a tile of `count` rows of a `[rows, heads, headDim]` matrix, zeros beyond `limit`. */
export const load = (
  tile: string,
  from: string,
  count: number,
  first: string,
  limit: string,
  heads: string,
  head: string,
): string => `
    for (var s = t; s < ${count}u * D4; s += ${THREADS}u) {
      let row = ${first} + s / D4;
      var value = vec4<f32>();
      if (row < ${limit}) { value = ${from}[(row * ${heads} + ${head}) * D4 + s % D4]; }
      ${tile}[s / D4 * STRIDE + s % D4] = value;
    }`;

/** Threads share the columns of a head; where a head has fewer columns than there are threads, they share the rows, too. */
export const columns = (headDim: number, rows: number): { groups: number; vectors: number } => {
  const groups = THREADS / headDim;
  return { groups, vectors: rows / groups / 4 };
};

export const list = (n: number, line: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => line(i)).join("\n");

/** Four numbers of an array from a place on, as a vector. */
export const four = (array: string, from: string): string =>
  `vec4<f32>(${[0, 1, 2, 3].map((c) => `${array}[${from} + ${c}u]`).join(", ")})`;
