import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { stream } from "../../../lib/base/index.js";
import { useBackend } from "../../../lib/tensor/backends/index.js";
import * as ops from "../../../lib/tensor/ops/index.js";
import { packedLayout } from "./layouts.js";

/** A tensor of standard normals from a named stream. */
function random(shape: number[], name: string): tf.Tensor {
  const r = stream(7, name);
  return tf.tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => r.normal()),
    shape,
  );
}

/**
 * Compares the tape's gradient of `sum(f(x) · w)` with central differences at a few elements of every input.
 */
function checkGradient(f: (...x: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]): void {
  const weights = tf.tidy(() => random(f(...inputs).shape, "weights"));
  const loss = (...x: tf.Tensor[]): tf.Scalar => tf.sum(tf.mul(f(...x), weights));
  const grads = tf.grads(loss)(inputs);
  const pick = stream(7, "pick");
  inputs.forEach((input, which) => {
    const analytic = grads[which]!.dataSync();
    const values = Float32Array.from(input.dataSync());
    for (let trial = 0; trial < 6; trial++) {
      const i = pick.below(values.length);
      const at = (delta: number): number =>
        tf.tidy(() => {
          const moved = values.slice();
          moved[i] = moved[i]! + delta;
          const x = tf.tensor(moved, input.shape);
          return loss(...inputs.map((t, k) => (k === which ? x : t))).dataSync()[0]!;
        });
      const h = 1e-2;
      const numeric = (at(h) - at(-h)) / (2 * h);
      const tolerance = 2e-2 * Math.max(1, Math.abs(numeric));
      assert.ok(
        Math.abs(numeric - analytic[i]!) <= tolerance,
        `input ${which}, element ${i}: tape ${analytic[i]}, differences ${numeric}`,
      );
    }
  });
}

for (const backend of ["cpu", "wasm"] as const) {
  describe(`gradients by finite differences on ${backend}`, () => {
    before(() => useBackend(backend));
    beforeEach(() => tf.engine().startScope());
    afterEach(() => tf.engine().endScope());

    it("linear", () => {
      checkGradient(
        (x, w, b) => ops.linear(x, w, b),
        [random([5, 7], "x"), random([3, 7], "w"), random([3], "b")],
      );
    });
    it("rmsNorm", () => {
      checkGradient((x, w) => ops.rmsNorm(x, w, 1e-6), [random([5, 7], "x"), random([7], "w")]);
    });
    it("swiGlu", () => {
      checkGradient((a, b) => ops.swiGlu(a, b), [random([5, 7], "a"), random([5, 7], "b")]);
    });
    it("embed", () => {
      checkGradient((t) => ops.embed(Int32Array.of(2, 0, 2, 5, 2), t), [random([6, 3], "t")]);
    });
    it("rotary", () => {
      const [cos, sin] = [random([4, 6], "cos"), random([4, 6], "sin")];
      checkGradient((x) => ops.rotary(x, cos, sin), [random([4, 2, 6], "x")]);
    });
    it("attention over a packed row, grouped-query", () => {
      const layout = packedLayout(3, [2, 3]);
      checkGradient(
        (q, k, v) => ops.attention(q, k, v, layout, 0.5),
        [random([8, 4, 6], "q"), random([8, 2, 6], "k"), random([8, 2, 6], "v")],
      );
    });
    it("attention over plain causal rows", () => {
      const layout = ops.causalLayout(2, 4);
      checkGradient(
        (q, k, v) => ops.attention(q, k, v, layout, 0.5),
        [random([8, 2, 6], "q"), random([8, 2, 6], "k"), random([8, 2, 6], "v")],
      );
    });
    it("tokenLogProbs: log-probability and entropy", () => {
      const targets = Int32Array.of(3, 0, 9, 9, 1);
      const inputs = [random([5, 4], "h"), random([11, 4], "head")];
      for (const output of ["logProbs", "entropy"] as const) {
        checkGradient(
          (h, head) => ops.tokenLogProbs(h, head, targets, { temperature: 0.7, chunk: 2 })[output],
          inputs,
        );
      }
    });
  });
}
