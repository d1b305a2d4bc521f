/**
 * Attention in WGSL by tiles of 16 queries, as in FlashAttention-2 (Dao 2023): scores of one tile and head exist at a time, keys outside the
 * span that some query of the tile sees are never touched, and the backward pass computes the weights again from each query's largest score
 * and inverse sum.
 */
import type * as tf from "@tensorflow/tfjs";
import type { AttentionLayout } from "../../ops/layout.js";
import { copyInto } from "./elementwise.js";
import { grid, named } from "./product.js";
import { float, type Kernel, type WebgpuRuntime } from "./runtime.js";

const QUERIES = 16;
/** Keys at a time, going forward and back. */
const [KEYS, KEYS_BACK] = [32, 16];
const THREADS = 128;

/** Whether these kernels take a layout of one row and heads of this size, on a card with room for their tiles. */
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
const tileOf = ({ queries }: AttentionLayout): number => (queries <= QUERIES ? 1 : QUERIES);

const plans = new WeakMap<AttentionLayout, Plan>();

function planOf(runtime: WebgpuRuntime, layout: AttentionLayout): Plan {
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

const kernel = (name: string, headDim: number, code: (headDim: number) => string): Kernel =>
  named(`${name} ${headDim}`, () => code(headDim));

/** What every kernel begins with. p: queries, keys, heads, key heads; ranges per query, scale, queries in a tile. */
const common = (headDim: number): string => `
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

const MAIN = `
  @compute @workgroup_size(${THREADS})
  fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) t: u32) {
    let head = group.y;
    let heads = p[0].z;
    let kvHead = head / (heads / p[0].w);
    let scale = bitcast<f32>(p[1].y);`;

/** Loads a tile of `count` rows of a `[rows, heads, headDim]` matrix, zeros beyond `limit`. */
const load = (
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
const columns = (headDim: number, rows: number): { groups: number; vectors: number } => {
  const groups = THREADS / headDim;
  return { groups, vectors: rows / groups / 4 };
};

const list = (n: number, line: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => line(i)).join("\n");

const forwardCode = (headDim: number): string => {
  const { groups, vectors } = columns(headDim, QUERIES);
  const each = KEYS / (THREADS / QUERIES);
  return `
  @group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;
  @group(0) @binding(2) var<storage, read> k: array<vec4<f32>>;
  @group(0) @binding(3) var<storage, read> v: array<f32>;
  @group(0) @binding(4) var<storage, read> ranges: array<i32>;
  @group(0) @binding(5) var<storage, read> spans: array<i32>;
  @group(0) @binding(6) var<storage, read_write> out: array<f32>;
  @group(0) @binding(7) var<storage, read_write> kept: array<f32>;
  ${common(headDim)}
  var<workgroup> qTile: array<vec4<f32>, ${QUERIES * (headDim / 4 + 1)}>;
  var<workgroup> kTile: array<vec4<f32>, ${KEYS * (headDim / 4 + 1)}>;
  var<workgroup> weights: array<array<f32, ${QUERIES}>, ${KEYS}>;
  var<workgroup> red: array<f32, ${THREADS}>;
  var<workgroup> corrections: array<f32, ${QUERIES}>;
  ${MAIN}
    let first = group.x * p[1].z;
    let last = min(p[0].x, first + p[1].z);
    ${load("qTile", "q", QUERIES, "first", "last", "heads", "head")}
    let low = u32(spans[2u * group.x]);
    let high = u32(spans[2u * group.x + 1u]);
    let qi = t % ${QUERIES}u;
    let slice = t / ${QUERIES}u;
    let query = first + qi;
    let column = t % ${headDim}u;
    let part = t / ${headDim}u;
    var top = -1.0e30;
    var sum = 0.0;
    ${list(vectors, (i) => `var o${i} = vec4<f32>();`)}
    for (var at = low; at < high; at += ${KEYS}u) {
      if (p[1].z == 1u && !seesAny(first, at, at + ${KEYS}u)) { continue; }
      workgroupBarrier();
      ${load("kTile", "k", KEYS, "at", "p[0].y", "p[0].w", "kvHead")}
      workgroupBarrier();
      ${list(each, (j) => `var s${j} = 0.0;`)}
      for (var c = 0u; c < D4; c++) {
        let x = qTile[qi * STRIDE + c];
        ${list(each, (j) => `s${j} += dot(x, kTile[(slice * ${each}u + ${j}u) * STRIDE + c]);`)}
      }
      ${list(
        each,
        (
          j,
        ) => `let seen${j} = query < last && at + slice * ${each}u + ${j}u < p[0].y && sees(query, at + slice * ${each}u + ${j}u);
        s${j} = select(-1.0e30, s${j} * scale, seen${j});`,
      )}
      var most = s0;
      ${list(each - 1, (j) => `most = max(most, s${j + 1});`)}
      red[t] = most;
      workgroupBarrier();
      var newTop = top;
      ${list(THREADS / QUERIES, (j) => `newTop = max(newTop, red[${j * QUERIES}u + qi]);`)}
      let correction = exp(top - newTop);
      top = newTop;
      sum *= correction;
      ${list(
        each,
        (j) => `let w${j} = select(0.0, exp(s${j} - top), seen${j});
        sum += w${j};
        weights[slice * ${each}u + ${j}u][qi] = w${j};`,
      )}
      if (slice == 0u) { corrections[qi] = correction; }
      workgroupBarrier();
      let base = part * ${QUERIES / groups}u;
      ${list(vectors, (i) => `o${i} *= ${four("corrections", `base + ${4 * i}u`)};`)}
      let end = min(${KEYS}u, p[0].y - at);
      for (var j = 0u; j < end; j++) {
        let value = v[((at + j) * p[0].w + kvHead) * ${headDim}u + column];
        ${list(vectors, (i) => `o${i} += value * ${four("weights[j]", `base + ${4 * i}u`)};`)}
      }
    }
    workgroupBarrier();
    red[t] = sum;
    workgroupBarrier();
    var all = 0.0;
    ${list(THREADS / QUERIES, (j) => `all += red[${j * QUERIES}u + qi];`)}
    let inverse = select(0.0, 1.0 / all, all > 0.0);
    if (slice == 0u) {
      corrections[qi] = inverse;
      if (query < last) {
        kept[head * p[0].x + query] = top;
        kept[(heads + head) * p[0].x + query] = inverse;
      }
    }
    workgroupBarrier();
    ${list(QUERIES / groups, (r) => {
      const value = `o${r >> 2}.${"xyzw"[r % 4]!}`;
      const at = `part * ${QUERIES / groups}u + ${r}u`;
      return `if (first + ${at} < last) { out[((first + ${at}) * heads + head) * ${headDim}u + column] = ${value} * corrections[${at}]; }`;
    })}
  }`;
};

const four = (array: string, from: string): string =>
  `vec4<f32>(${[0, 1, 2, 3].map((c) => `${array}[${from} + ${c}u]`).join(", ")})`;

/** Each query's and head's `dOut · out`. */
const DOTS = (headDim: number): string => `
  @group(0) @binding(0) var<uniform> p: vec4<u32>;
  @group(0) @binding(1) var<storage, read> dOut: array<vec4<f32>>;
  @group(0) @binding(2) var<storage, read> out: array<vec4<f32>>;
  @group(0) @binding(3) var<storage, read_write> dots: array<f32>;
  @compute @workgroup_size(128)
  fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.x;
    if (i >= p.x * p.y) { return; }
    var sum = 0.0;
    for (var c = 0u; c < ${headDim / 4}u; c++) { sum += dot(dOut[i * ${headDim / 4}u + c], out[i * ${headDim / 4}u + c]); }
    dots[i % p.y * p.x + i / p.y] = sum;
  }`;

const queryGradientCode = (headDim: number): string => {
  const { groups, vectors } = columns(headDim, QUERIES);
  const each = KEYS_BACK / (THREADS / QUERIES);
  return `
  @group(0) @binding(1) var<storage, read> q: array<vec4<f32>>;
  @group(0) @binding(2) var<storage, read> k: array<f32>;
  @group(0) @binding(3) var<storage, read> v: array<vec4<f32>>;
  @group(0) @binding(4) var<storage, read> dOut: array<vec4<f32>>;
  @group(0) @binding(5) var<storage, read> kept: array<f32>;
  @group(0) @binding(6) var<storage, read> ranges: array<i32>;
  @group(0) @binding(7) var<storage, read> spans: array<i32>;
  @group(0) @binding(8) var<storage, read_write> dq: array<f32>;
  ${common(headDim)}
  var<workgroup> qTile: array<vec4<f32>, ${QUERIES * (headDim / 4 + 1)}>;
  var<workgroup> oTile: array<vec4<f32>, ${QUERIES * (headDim / 4 + 1)}>;
  var<workgroup> kTile: array<vec4<f32>, ${KEYS_BACK * (headDim / 4 + 1)}>;
  var<workgroup> slopes: array<array<f32, ${QUERIES}>, ${KEYS_BACK}>;
  ${MAIN}
    let first = group.x * p[1].z;
    let last = min(p[0].x, first + p[1].z);
    ${load("qTile", "q", QUERIES, "first", "last", "heads", "head")}
    ${load("oTile", "dOut", QUERIES, "first", "last", "heads", "head")}
    let low = u32(spans[2u * group.x]);
    let high = u32(spans[2u * group.x + 1u]);
    let qi = t % ${QUERIES}u;
    let slice = t / ${QUERIES}u;
    let query = min(first + qi, p[0].x - 1u);
    let there = first + qi < last;
    let top = kept[head * p[0].x + query];
    let inverse = kept[(heads + head) * p[0].x + query];
    let through = kept[(2u * heads + head) * p[0].x + query];
    let column = t % ${headDim}u;
    let base = t / ${headDim}u * ${QUERIES / groups}u;
    ${list(vectors, (i) => `var g${i} = vec4<f32>();`)}
    for (var at = low; at < high; at += ${KEYS_BACK}u) {
      workgroupBarrier();
      for (var s = t; s < ${KEYS_BACK}u * D4; s += ${THREADS}u) {
        let row = at + s / D4;
        var value = vec4<f32>();
        let begin = ((row * p[0].w + kvHead) * D4 + s % D4) * 4u;
        if (row < p[0].y) { value = vec4<f32>(k[begin], k[begin + 1u], k[begin + 2u], k[begin + 3u]); }
        kTile[s / D4 * STRIDE + s % D4] = value;
      }
      workgroupBarrier();
      ${list(each, (j) => `var s${j} = 0.0;\nvar d${j} = 0.0;`)}
      for (var c = 0u; c < D4; c++) {
        let x = qTile[qi * STRIDE + c];
        ${list(each, (j) => `s${j} += dot(x, kTile[(slice * ${each}u + ${j}u) * STRIDE + c]);`)}
      }
      workgroupBarrier();
      ${load("kTile", "v", KEYS_BACK, "at", "p[0].y", "p[0].w", "kvHead")}
      workgroupBarrier();
      for (var c = 0u; c < D4; c++) {
        let x = oTile[qi * STRIDE + c];
        ${list(each, (j) => `d${j} += dot(x, kTile[(slice * ${each}u + ${j}u) * STRIDE + c]);`)}
      }
      ${list(each, (j) => {
        const key = `at + slice * ${each}u + ${j}u`;
        return `let seen${j} = there && ${key} < p[0].y && sees(query, ${key});
        slopes[slice * ${each}u + ${j}u][qi] =
          select(0.0, exp(s${j} * scale - top) * inverse * (d${j} - through) * scale, seen${j});`;
      })}
      workgroupBarrier();
      let end = min(${KEYS_BACK}u, p[0].y - at);
      for (var j = 0u; j < end; j++) {
        let value = k[((at + j) * p[0].w + kvHead) * ${headDim}u + column];
        ${list(vectors, (i) => `g${i} += value * ${four("slopes[j]", `base + ${4 * i}u`)};`)}
      }
    }
    ${list(QUERIES / groups, (r) => {
      const at = `first + base + ${r}u`;
      return `if (${at} < last) { dq[((${at}) * heads + head) * ${headDim}u + column] = g${r >> 2}.${"xyzw"[r % 4]!}; }`;
    })}
  }`;
};

const keyGradientCode = (headDim: number): string => {
  const { groups, vectors } = columns(headDim, KEYS_BACK);
  const each = QUERIES / (THREADS / KEYS_BACK);
  return `
  @group(0) @binding(1) var<storage, read> q: array<f32>;
  @group(0) @binding(2) var<storage, read> k: array<vec4<f32>>;
  @group(0) @binding(3) var<storage, read> v: array<vec4<f32>>;
  @group(0) @binding(4) var<storage, read> dOut: array<f32>;
  @group(0) @binding(5) var<storage, read> kept: array<f32>;
  @group(0) @binding(6) var<storage, read> ranges: array<i32>;
  @group(0) @binding(7) var<storage, read> spans: array<i32>;
  @group(0) @binding(8) var<storage, read_write> dkv: array<f32>;
  ${common(headDim)}
  var<workgroup> kTile: array<vec4<f32>, ${KEYS_BACK * (headDim / 4 + 1)}>;
  var<workgroup> vTile: array<vec4<f32>, ${KEYS_BACK * (headDim / 4 + 1)}>;
  var<workgroup> qTile: array<vec4<f32>, ${QUERIES * (headDim / 4 + 1)}>;
  var<workgroup> weights: array<array<f32, ${KEYS_BACK}>, ${QUERIES}>;
  var<workgroup> slopes: array<array<f32, ${KEYS_BACK}>, ${QUERIES}>;
  ${MAIN}
    let at = group.x * ${KEYS_BACK}u;
    ${load("kTile", "k", KEYS_BACK, "at", "p[0].y", "p[0].w", "kvHead")}
    ${load("vTile", "v", KEYS_BACK, "at", "p[0].y", "p[0].w", "kvHead")}
    let ki = t % ${KEYS_BACK}u;
    let slice = t / ${KEYS_BACK}u;
    let key = at + ki;
    let column = t % ${headDim}u;
    let base = t / ${headDim}u * ${KEYS_BACK / groups}u;
    ${list(vectors, (i) => `var gk${i} = vec4<f32>();\nvar gv${i} = vec4<f32>();`)}
    let tiles = (p[0].x + p[1].z - 1u) / p[1].z;
    for (var tile = 0u; tile < tiles; tile++) {
      if (u32(spans[2u * tile]) >= at + ${KEYS_BACK}u || u32(spans[2u * tile + 1u]) <= at) { continue; }
      let first = tile * p[1].z;
      let last = min(p[0].x, first + p[1].z);
      ${["q", "dOut"]
        .map(
          (of) => `
      workgroupBarrier();
      for (var s = t; s < ${QUERIES}u * D4; s += ${THREADS}u) {
        let row = first + s / D4;
        var value = vec4<f32>();
        let begin = ((row * heads + head) * D4 + s % D4) * 4u;
        if (row < last) { value = vec4<f32>(${of}[begin], ${of}[begin + 1u], ${of}[begin + 2u], ${of}[begin + 3u]); }
        qTile[s / D4 * STRIDE + s % D4] = value;
      }
      workgroupBarrier();
      ${list(each, (j) => `var ${of}Dot${j} = 0.0;`)}
      for (var c = 0u; c < D4; c++) {
        let x = ${of === "q" ? "kTile" : "vTile"}[ki * STRIDE + c];
        ${list(each, (j) => `${of}Dot${j} += dot(x, qTile[(slice * ${each}u + ${j}u) * STRIDE + c]);`)}
      }`,
        )
        .join("\n")}
      ${list(each, (j) => {
        const row = `slice * ${each}u + ${j}u`;
        return `{
        let query = first + ${row};
        var weight = 0.0;
        var slope = 0.0;
        if (query < last && key < p[0].y && sees(query, key)) {
          weight = exp(qDot${j} * scale - kept[head * p[0].x + query]) * kept[(heads + head) * p[0].x + query];
          slope = weight * (dOutDot${j} - kept[(2u * heads + head) * p[0].x + query]) * scale;
        }
        weights[${row}][ki] = weight;
        slopes[${row}][ki] = slope;
      }`;
      })}
      workgroupBarrier();
      let end = last - first;
      for (var j = 0u; j < end; j++) {
        let begin = ((first + j) * heads + head) * ${headDim}u + column;
        let qValue = q[begin];
        let oValue = dOut[begin];
        ${list(
          vectors,
          (i) => `gk${i} += qValue * ${four("slopes[j]", `base + ${4 * i}u`)};
        gv${i} += oValue * ${four("weights[j]", `base + ${4 * i}u`)};`,
        )}
      }
    }
    let half = p[0].y * heads * ${headDim}u;
    ${list(KEYS_BACK / groups, (r) => {
      const row = `at + base + ${r}u`;
      const value = `${r >> 2}.${"xyzw"[r % 4]!}`;
      return `if (${row} < p[0].y) {
        let to = ((${row}) * heads + head) * ${headDim}u + column;
        dkv[to] = gk${value};
        dkv[half + to] = gv${value};
      }`;
    })}
  }`;
};

/** Adds up what the query heads of a key head have given it. */
const GATHER: Kernel = {
  name: "attentionGather",
  code: `
  // p: elements of an output, head size, key heads, heads per key head; first element of the source
  @group(0) @binding(0) var<uniform> p: array<vec4<u32>, 2>;
  @group(0) @binding(1) var<storage, read> parts: array<f32>;
  @group(0) @binding(2) var<storage, read_write> out: array<f32>;
  @compute @workgroup_size(256)
  fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = (group.x + group.y * 32768u) * 256u + local;
    if (i >= p[0].x) { return; }
    let d = p[0].y;
    var sum = 0.0;
    for (var g = 0u; g < p[0].w; g++) { sum += parts[p[1].x + (i / d * p[0].w + g) * d + i % d]; }
    out[i] = sum;
  }`,
};

/** @returns the mixed values `[queries, heads · headDim]`, and `[2, heads, queries]`: largest scores and inverse sums. */
export function attentionForward(
  runtime: WebgpuRuntime,
  [q, k, v]: readonly [tf.Tensor, tf.Tensor, tf.Tensor],
  layout: AttentionLayout,
  scale: number,
): [out: tf.Tensor, kept: tf.Tensor] {
  const [n, heads, headDim] = q.shape as [number, number, number];
  const { ranges, spans } = planOf(runtime, layout);
  const [out, kept] = [runtime.output([n, heads * headDim]), runtime.output([2, heads, n])];
  runtime.run(
    kernel("attention", headDim, forwardCode),
    [q, k, v, ranges, spans, out, kept],
    [n, layout.keys, heads, k.shape[1]!, layout.rangesPerQuery, float(scale), tileOf(layout)],
    [Math.ceil(n / tileOf(layout)), heads],
  );
  return [out, kept];
}

/** Gradients of q, k and v. */
export function attentionBackward(
  runtime: WebgpuRuntime,
  dOut: tf.Tensor,
  [q, k, v, out, kept]: readonly [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
  layout: AttentionLayout,
  scale: number,
): [dq: tf.Tensor, dk: tf.Tensor, dv: tf.Tensor] {
  const [n, heads, headDim] = q.shape as [number, number, number];
  const [keys, kvHeads] = k.shape as [number, number];
  const { ranges, spans } = planOf(runtime, layout);
  const statistics = runtime.output([3, heads, n]); // with `dOut · out` behind
  const dots = runtime.output([heads, n]);
  const [dq, dk, dv] = [runtime.output(q.shape), runtime.output(k.shape), runtime.output(v.shape)];
  const perHead = runtime.output([2, keys, heads, headDim]);
  const parameters = [n, keys, heads, kvHeads, layout.rangesPerQuery, float(scale), tileOf(layout)];
  runtime.run(
    kernel("attentionDots", headDim, DOTS),
    [dOut, out, dots],
    [n, heads],
    [Math.ceil((n * heads) / 128)],
  );
  copyInto(runtime, kept, statistics, 0);
  copyInto(runtime, dots, statistics, kept.size);
  runtime.run(
    kernel("attentionQueries", headDim, queryGradientCode),
    [q, k, v, dOut, statistics, ranges, spans, dq],
    parameters,
    [Math.ceil(n / tileOf(layout)), heads],
  );
  runtime.run(
    kernel("attentionKeys", headDim, keyGradientCode),
    [q, k, v, dOut, statistics, ranges, spans, perHead],
    parameters,
    [Math.ceil(keys / KEYS_BACK), heads],
  );
  for (const [i, d] of [dk, dv].entries()) {
    const numbers = [d.size, headDim, kvHeads, heads / kvHeads, i * keys * heads * headDim];
    runtime.run(GATHER, [perHead, d], numbers, grid(Math.ceil(d.size / 256)));
  }
  for (const scratch of [statistics, dots, perHead]) scratch.dispose();
  return [dq, dk, dv];
}
