/** Norm, gate, rotary positions and copying in WGSL. */
import type * as tf from "@tensorflow/tfjs";
import { grid } from "./product.js";
import { float, type Kernel, type WebgpuRuntime } from "./runtime.js";

const HEAD = `
  @compute @workgroup_size(256)
  fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let block = group.x + group.y * 32768u;
    let i = block * 256u + local;`;

/** The sum of `x` over a workgroup of 256. */
export const SUM_256 = `
  var<workgroup> partials: array<f32, 256>;
  fn total(x: f32, local: u32) -> f32 {
    workgroupBarrier();
    partials[local] = x;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half /= 2u) {
      if (local < half) { partials[local] += partials[local + half]; }
      workgroupBarrier();
    }
    return partials[0];
  }`;

const RMS_NORM: Kernel = {
  name: "rmsNorm",
  code: `
  // p: rows, d, eps
  @group(0) @binding(0) var<uniform> p: vec4<u32>;
  @group(0) @binding(1) var<storage, read> x: array<f32>;
  @group(0) @binding(2) var<storage, read> weight: array<f32>;
  @group(0) @binding(3) var<storage, read_write> out: array<f32>;
  @group(0) @binding(4) var<storage, read_write> inverse: array<f32>;
  ${SUM_256}
  ${HEAD}
    let row = block;
    let d = p.y;
    var squares = 0.0;
    if (row < p.x) { for (var c = local; c < d; c += 256u) { let v = x[row * d + c]; squares += v * v; } }
    let inv = inverseSqrt(total(squares, local) / f32(d) + bitcast<f32>(p.z));
    if (row >= p.x) { return; }
    for (var c = local; c < d; c += 256u) { out[row * d + c] = x[row * d + c] * inv * weight[c]; }
    if (local == 0u) { inverse[row] = inv; }
  }`,
};

const RMS_NORM_INPUT: Kernel = {
  name: "rmsNormInput",
  code: `
  // p: rows, d
  @group(0) @binding(0) var<uniform> p: vec4<u32>;
  @group(0) @binding(1) var<storage, read> dy: array<f32>;
  @group(0) @binding(2) var<storage, read> x: array<f32>;
  @group(0) @binding(3) var<storage, read> weight: array<f32>;
  @group(0) @binding(4) var<storage, read> inverse: array<f32>;
  @group(0) @binding(5) var<storage, read_write> dx: array<f32>;
  ${SUM_256}
  ${HEAD}
    let row = block;
    let d = p.y;
    var dot = 0.0;
    if (row < p.x) { for (var c = local; c < d; c += 256u) { dot += dy[row * d + c] * weight[c] * x[row * d + c]; } }
    let sum = total(dot, local);
    if (row >= p.x) { return; }
    let inv = inverse[row];
    let factor = sum * inv * inv * inv / f32(d);
    for (var c = local; c < d; c += 256u) {
      dx[row * d + c] = dy[row * d + c] * weight[c] * inv - x[row * d + c] * factor;
    }
  }`,
};

const RMS_NORM_WEIGHT: Kernel = {
  name: "rmsNormWeight",
  code: `
  // p: rows, d
  @group(0) @binding(0) var<uniform> p: vec4<u32>;
  @group(0) @binding(1) var<storage, read> dy: array<f32>;
  @group(0) @binding(2) var<storage, read> x: array<f32>;
  @group(0) @binding(3) var<storage, read> inverse: array<f32>;
  @group(0) @binding(4) var<storage, read_write> dWeight: array<f32>;
  ${HEAD}
    if (i >= p.y) { return; }
    var sum = 0.0;
    for (var row = 0u; row < p.x; row++) { sum += dy[row * p.y + i] * x[row * p.y + i] * inverse[row]; }
    dWeight[i] = sum;
  }`,
};

const SWIGLU: Kernel = {
  name: "swiGlu",
  code: `
  @group(0) @binding(0) var<uniform> p: vec4<u32>;
  @group(0) @binding(1) var<storage, read> gate: array<f32>;
  @group(0) @binding(2) var<storage, read> up: array<f32>;
  @group(0) @binding(3) var<storage, read_write> out: array<f32>;
  ${HEAD}
    if (i >= p.x) { return; }
    let g = gate[i];
    out[i] = g / (1.0 + exp(-g)) * up[i];
  }`,
};

const SWIGLU_GRADIENT: Kernel = {
  name: "swiGluGradient",
  code: `
  @group(0) @binding(0) var<uniform> p: vec4<u32>;
  @group(0) @binding(1) var<storage, read> dy: array<f32>;
  @group(0) @binding(2) var<storage, read> gate: array<f32>;
  @group(0) @binding(3) var<storage, read> up: array<f32>;
  @group(0) @binding(4) var<storage, read_write> dGate: array<f32>;
  @group(0) @binding(5) var<storage, read_write> dUp: array<f32>;
  ${HEAD}
    if (i >= p.x) { return; }
    let g = gate[i];
    let s = 1.0 / (1.0 + exp(-g));
    dUp[i] = dy[i] * g * s;
    dGate[i] = dy[i] * up[i] * s * (1.0 + g * (1.0 - s));
  }`,
};

const ROTARY: Kernel = {
  name: "rotary",
  code: `
  // p: elements / 2, heads, headDim / 2, sign of the angles
  @group(0) @binding(0) var<uniform> p: vec4<u32>;
  @group(0) @binding(1) var<storage, read> x: array<f32>;
  @group(0) @binding(2) var<storage, read> cosines: array<f32>;
  @group(0) @binding(3) var<storage, read> sines: array<f32>;
  @group(0) @binding(4) var<storage, read_write> out: array<f32>;
  ${HEAD}
    if (i >= p.x) { return; }
    let half = p.z;
    let c = i % half;
    let which = i / half;
    let first = which * 2u * half + c;
    let angle = which / p.y * 2u * half + c;
    let sign = bitcast<f32>(p.w);
    let a = x[first];
    let b = x[first + half];
    // Forward the sine's halves belong to the outputs, backward to the inputs.
    let low = sines[select(angle, angle + half, sign < 0.0)];
    let high = sines[select(angle + half, angle, sign < 0.0)];
    out[first] = a * cosines[angle] - sign * b * low;
    out[first + half] = b * cosines[angle + half] + sign * a * high;
  }`,
};

const COPY: Kernel = {
  name: "copy",
  code: `
  // p: elements, first element of the copy
  @group(0) @binding(0) var<uniform> p: vec4<u32>;
  @group(0) @binding(1) var<storage, read> source: array<f32>;
  @group(0) @binding(2) var<storage, read_write> out: array<f32>;
  ${HEAD}
    if (i < p.x) { out[p.y + i] = source[i]; }
  }`,
};

const each = (elements: number): [number, number] => grid(Math.ceil(elements / 256));

export function rmsNorm(
  runtime: WebgpuRuntime,
  x: tf.Tensor,
  weight: tf.Tensor,
  eps: number,
): [out: tf.Tensor, inverse: tf.Tensor] {
  const d = weight.size;
  const rows = x.size / d;
  const [out, inverse] = [runtime.output(x.shape), runtime.output([rows])];
  runtime.run(RMS_NORM, [x, weight, out, inverse], [rows, d, float(eps)], grid(rows));
  return [out, inverse];
}

export function rmsNormInput(
  runtime: WebgpuRuntime,
  dy: tf.Tensor,
  [x, weight, inverse]: readonly [tf.Tensor, tf.Tensor, tf.Tensor],
): tf.Tensor {
  const dx = runtime.output(x.shape);
  const rows = x.size / weight.size;
  runtime.run(RMS_NORM_INPUT, [dy, x, weight, inverse, dx], [rows, weight.size], grid(rows));
  return dx;
}

export function rmsNormWeight(
  runtime: WebgpuRuntime,
  dy: tf.Tensor,
  [x, weight, inverse]: readonly [tf.Tensor, tf.Tensor, tf.Tensor],
): tf.Tensor {
  const dWeight = runtime.output(weight.shape);
  runtime.run(
    RMS_NORM_WEIGHT,
    [dy, x, inverse, dWeight],
    [x.size / weight.size, weight.size],
    each(weight.size),
  );
  return dWeight;
}

export function swiGlu(runtime: WebgpuRuntime, gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  const out = runtime.output(gate.shape);
  runtime.run(SWIGLU, [gate, up, out], [gate.size], each(gate.size));
  return out;
}

export function swiGluGradient(
  runtime: WebgpuRuntime,
  dy: tf.Tensor,
  gate: tf.Tensor,
  up: tf.Tensor,
): [dGate: tf.Tensor, dUp: tf.Tensor] {
  const [dGate, dUp] = [runtime.output(gate.shape), runtime.output(gate.shape)];
  runtime.run(SWIGLU_GRADIENT, [dy, gate, up, dGate, dUp], [gate.size], each(gate.size));
  return [dGate, dUp];
}

/** Turns by the angles, or back. @param x `[t, heads, headDim]` */
export function rotate(
  runtime: WebgpuRuntime,
  x: tf.Tensor,
  cos: tf.Tensor,
  sin: tf.Tensor,
  sign: 1 | -1,
): tf.Tensor {
  const [, heads, headDim] = x.shape as [number, number, number];
  const out = runtime.output(x.shape);
  runtime.run(ROTARY, [x, cos, sin, out], [x.size / 2, heads, headDim / 2, float(sign)], each(x.size / 2));
  return out;
}

/** Writes all of `source` into `target`, from an element on. */
export function copyInto(
  runtime: WebgpuRuntime,
  source: tf.Tensor,
  target: tf.Tensor,
  element: number,
): void {
  runtime.run(COPY, [source, target], [source.size, element], each(source.size));
}
