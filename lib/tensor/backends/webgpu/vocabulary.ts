/** A vocabulary's statistics and the gradient of its logits in WGSL; see `ops/token-log-probs.ts` for what is computed. */
import type * as tf from "@tensorflow/tfjs";
import { SUM_256 } from "./elementwise.js";
import { grid } from "./product.js";
import { float, type Kernel, type WebgpuRuntime } from "./runtime.js";

const STATISTICS: Kernel = {
  name: "logitStatistics",
  code: `
  // p: rows, vocabulary, first row among all, 1 / temperature
  @group(0) @binding(0) var<uniform> p: vec4<u32>;
  @group(0) @binding(1) var<storage, read> logits: array<f32>;
  @group(0) @binding(2) var<storage, read> targets: array<i32>;
  @group(0) @binding(3) var<storage, read_write> logProbs: array<f32>;
  @group(0) @binding(4) var<storage, read_write> entropy: array<f32>;
  @group(0) @binding(5) var<storage, read_write> kept: array<f32>;
  ${SUM_256}
  fn largest(x: f32, local: u32) -> f32 {
    partials[local] = x;
    workgroupBarrier();
    for (var half = 128u; half > 0u; half /= 2u) {
      if (local < half) { partials[local] = max(partials[local], partials[local + half]); }
      workgroupBarrier();
    }
    return partials[0];
  }
  @compute @workgroup_size(256)
  fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let begin = group.x * p.y;
    let sharpness = bitcast<f32>(p.w);
    var most = -3.0e38;
    for (var c = local; c < p.y; c += 256u) { most = max(most, logits[begin + c]); }
    let top = largest(most, local);
    var sum = 0.0;
    var weighted = 0.0;
    for (var c = local; c < p.y; c += 256u) {
      let z = (logits[begin + c] - top) * sharpness;
      let e = exp(z);
      sum += e;
      weighted += e * z;
    }
    let all = total(sum, local);
    let moment = total(weighted, local) / all;
    if (local == 0u) {
      let row = p.z + group.x;
      let logZ = log(all);
      logProbs[row] = (logits[begin + u32(targets[row])] - top) * sharpness - logZ;
      entropy[row] = logZ - moment;
      kept[3u * row] = top;
      kept[3u * row + 1u] = logZ;
      kept[3u * row + 2u] = logZ - moment;
    }
  }`,
};

const GRADIENT: Kernel = {
  name: "logitGradient",
  code: `
  // p: elements, vocabulary, first row among all, 1 / temperature
  @group(0) @binding(0) var<uniform> p: vec4<u32>;
  @group(0) @binding(1) var<storage, read_write> logits: array<f32>;
  @group(0) @binding(2) var<storage, read> targets: array<i32>;
  @group(0) @binding(3) var<storage, read> dLogProb: array<f32>;
  @group(0) @binding(4) var<storage, read> dEntropy: array<f32>;
  @group(0) @binding(5) var<storage, read> kept: array<f32>;
  @compute @workgroup_size(256)
  fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = (group.x + group.y * 32768u) * 256u + local;
    if (i >= p.x) { return; }
    let row = p.z + i / p.y;
    let sharpness = bitcast<f32>(p.w);
    let logP = (logits[i] - kept[3u * row]) * sharpness - kept[3u * row + 1u];
    let prob = exp(logP);
    let hot = select(0.0, 1.0, i % p.y == u32(targets[row]));
    logits[i] = sharpness *
      (dLogProb[row] * (hot - prob) - dEntropy[row] * prob * (logP + kept[3u * row + 2u]));
  }`,
};

/** Where a chunk of logits lies among all rows, and what they are divided by. */
export interface Chunk {
  readonly start: number;
  readonly size: number;
  readonly vocab: number;
  readonly temperature: number;
}

/** Writes log-probabilities `[n]`, entropies `[n]` and `[n, 3]` of largest logit, log Z and entropy for a chunk's rows. */
export function statistics(
  runtime: WebgpuRuntime,
  logits: tf.Tensor,
  targets: GPUBuffer,
  { start, size, vocab, temperature }: Chunk,
  outputs: readonly [logProbs: tf.Tensor, entropy: tf.Tensor, kept: tf.Tensor],
): void {
  runtime.run(
    STATISTICS,
    [logits, targets, ...outputs],
    [size, vocab, start, float(1 / temperature)],
    [size],
  );
}

/** Puts the gradient where the logits were. */
export function logitGradient(
  runtime: WebgpuRuntime,
  logits: tf.Tensor,
  targets: GPUBuffer,
  { start, size, vocab, temperature }: Chunk,
  gradients: readonly [dLogProb: tf.Tensor, dEntropy: tf.Tensor, kept: tf.Tensor],
): void {
  const elements = size * vocab;
  const parameters = [elements, vocab, start, float(1 / temperature)];
  runtime.run(GRADIENT, [logits, targets, ...gradients], parameters, grid(Math.ceil(elements / 256)));
}
