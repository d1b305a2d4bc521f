/** Attention going back, in WGSL: weights are computed again from each query's largest score and inverse sum. */
import type * as tf from "@tensorflow/tfjs";
import type { AttentionLayout } from "../../ops/layout.js";
import {
  columns,
  common,
  four,
  kernel,
  KEYS_BACK,
  list,
  load,
  MAIN,
  planOf,
  QUERIES,
  THREADS,
  tileOf,
} from "./attention-tiles.js";
import { copyInto } from "./elementwise.js";
import { grid } from "./product.js";
import { float, type Kernel, type WebgpuRuntime } from "./runtime.js";

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
  var<workgroup> gradients: array<array<f32, ${QUERIES}>, ${KEYS_BACK}>;
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
        gradients[slice * ${each}u + ${j}u][qi] =
          select(0.0, exp(s${j} * scale - top) * inverse * (d${j} - through) * scale, seen${j});`;
      })}
      workgroupBarrier();
      let end = min(${KEYS_BACK}u, p[0].y - at);
      for (var j = 0u; j < end; j++) {
        let value = k[((at + j) * p[0].w + kvHead) * ${headDim}u + column];
        ${list(vectors, (i) => `g${i} += value * ${four("gradients[j]", `base + ${4 * i}u`)};`)}
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
  var<workgroup> gradients: array<array<f32, ${KEYS_BACK}>, ${QUERIES}>;
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
        var gradient = 0.0;
        if (query < last && key < p[0].y && sees(query, key)) {
          weight = exp(qDot${j} * scale - kept[head * p[0].x + query]) * kept[(heads + head) * p[0].x + query];
          gradient = weight * (dOutDot${j} - kept[(2u * heads + head) * p[0].x + query]) * scale;
        }
        weights[${row}][ki] = weight;
        gradients[${row}][ki] = gradient;
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
          (i) => `gk${i} += qValue * ${four("gradients[j]", `base + ${4 * i}u`)};
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
