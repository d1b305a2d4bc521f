import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as tf from "@tensorflow/tfjs";
import { stream } from "../../../lib/base/index.js";
import { useBackend } from "../../../lib/tensor/backends/index.js";
import * as ops from "../../../lib/tensor/ops/index.js";
import { packedLayout } from "./layouts.js";

/** Uniform in [-1, 1): additions and products only, so that the inputs have the same bits in every JavaScript engine. */
function uniform(shape: number[], name: string): tf.Tensor {
  const r = stream("bits", name);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => 2 * r.next() - 1),
    shape,
  );
}

/** A small decoder layer and its scores, forward and backward: every fused kernel takes part. */
function bits(): string {
  const [d, f, vocab, heads, kvHeads, headDim] = [24, 40, 50, 4, 2, 6];
  const layout = packedLayout(19, [7, 1, 11]);
  const n = layout.queries;
  const ids = Int32Array.from({ length: n }, (_, i) => (i * 17) % vocab);
  const [cos, sin] = [uniform([n, headDim], "cos"), uniform([n, headDim], "sin")];
  const parameters = {
    table: uniform([vocab, d], "table"),
    norm: uniform([d], "norm"),
    q: uniform([heads * headDim, d], "q"),
    k: uniform([kvHeads * headDim, d], "k"),
    bias: uniform([kvHeads * headDim], "bias"),
    v: uniform([kvHeads * headDim, d], "v"),
    gate: uniform([f, d], "gate"),
    up: uniform([f, d], "up"),
    down: uniform([d, f], "down"),
  };
  const loss = (...values: tf.Tensor[]): tf.Scalar => {
    const [table, norm, q, k, bias, v, gate, up, down] = values as [tf.Tensor, ...tf.Tensor[]];
    const x = ops.embed(ids, table);
    const h = ops.rmsNorm(x, norm!, 1e-6);
    const inHeads = (y: tf.Tensor, count: number): tf.Tensor => tf.reshape(y, [n, count, headDim]);
    const mixed = ops.attention(
      ops.rotary(inHeads(ops.linear(h, q!), heads), cos, sin),
      ops.rotary(inHeads(ops.linear(h, k!, bias), kvHeads), cos, sin),
      inHeads(ops.linear(h, v!), kvHeads),
      layout,
      0.4,
    );
    const y = tf.add(x, mixed);
    const out = tf.add(y, ops.linear(ops.swiGlu(ops.linear(y, gate!), ops.linear(y, up!)), down!));
    const { logProbs, entropy } = ops.tokenLogProbs(out, table, ids, { temperature: 0.75, chunk: 16 });
    return tf.add(tf.sum(logProbs), tf.sum(entropy));
  };
  const { value, grads } = tf.valueAndGrads(loss)(Object.values(parameters));
  const hash = createHash("sha256").update(new Uint8Array(Float32Array.from(value.dataSync()).buffer));
  for (const grad of grads) hash.update(new Uint8Array(Float32Array.from(grad.dataSync()).buffer));
  return hash.digest("hex").slice(0, 16);
}

describe("the wasm backend", () => {
  it("computes the same bits on every machine", async () => {
    await useBackend("wasm");
    assert.equal(tf.tidy(bits), "805783e440645cbf");
  });
});
