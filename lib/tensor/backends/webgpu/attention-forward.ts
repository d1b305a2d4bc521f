/** Attention going forward, in WGSL: an online softmax over tiles of keys (Dao 2023), whose maxima and sums are kept for the backward pass. */
import type * as tf from "@tensorflow/tfjs";
import type { AttentionLayout } from "../../ops/layout.js";
import {
  columns,
  common,
  four,
  kernel,
  KEYS,
  list,
  load,
  MAIN,
  planOf,
  QUERIES,
  THREADS,
  tileOf,
} from "./attention-tiles.js";
import { float, type WebgpuRuntime } from "./runtime.js";

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
