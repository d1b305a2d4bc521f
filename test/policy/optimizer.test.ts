import { strict as assert } from "node:assert";
import { AdamW, gradientNorm, scheduleFactor } from "../../lib/policy/index.js";

describe("AdamW", () => {
  it("steps as PyTorch's does", () => {
    // torch.optim.AdamW([w], lr=0.1, betas=(0.9, 0.99), weight_decay=0.05) with three gradients; w = [1, -2, 3].
    const w = Float32Array.from([1, -2, 3]);
    const optimizer = new AdamW(
      { learningRate: 0.1, betas: [0.9, 0.99], weightDecay: 0.05, maxGradNorm: null },
      [{ offset: 0, size: 3, decay: true }],
      3,
    );
    for (const gradient of [
      [0.1, -0.2, 0.3],
      [-0.5, 0.25, 0],
      [1, 2, -3],
    ]) {
      optimizer.update(w, Float32Array.from(gradient), 0);
    }
    const expected = [0.9096977114677429, -1.9521149396896362, 2.8475587368011475];
    w.forEach((x, i) => assert.ok(Math.abs(x - expected[i]!) < 1e-6, `${[...w].join()}`));
  });

  it("clips by the global norm and leaves norms and biases undecayed", () => {
    const gradient = Float32Array.from([3, 4]);
    assert.equal(gradientNorm(gradient), 5);
    assert.ok(Number.isNaN(gradientNorm(Float32Array.from([1, NaN]))));
    const run = (maxGradNorm: number | null, scale: number): Float32Array => {
      const optimizer = new AdamW(
        { learningRate: 0.1, maxGradNorm, epsilon: 1 },
        [{ offset: 0, size: 2, decay: false }],
        2,
      );
      const w = new Float32Array(2);
      const g = gradient.map((x) => x * scale);
      optimizer.update(w, g, gradientNorm(g));
      return w;
    };
    // Clipped to 1, a gradient of norm 5 is one of norm 1; epsilon 1 makes the step depend on its size.
    const [clipped, small] = [run(1, 1), run(null, 1 / 5.000001)];
    clipped.forEach((x, i) => assert.ok(Math.abs(x - small[i]!) < 1e-7));
    assert.notDeepEqual(run(null, 1), clipped);

    const decaying = new AdamW(
      { learningRate: 0.1, weightDecay: 0.5 },
      [
        { offset: 0, size: 1, decay: true },
        { offset: 1, size: 1, decay: false },
      ],
      2,
    );
    const w = Float32Array.from([1, 1]);
    decaying.update(w, new Float32Array(2), 0);
    assert.deepEqual([...w], [Math.fround(0.95), 1]);
  });
});

describe("a learning rate", () => {
  it("warms up, stays or falls, and never below its floor", () => {
    const at = (kind: "constant" | "linear" | "cosine", step: number, floor = 0): number =>
      scheduleFactor({ kind, warmUp: 10, steps: 110, floor }, step);
    for (const kind of ["constant", "linear", "cosine"] as const) {
      assert.equal(at(kind, 1), 0.1);
      assert.equal(at(kind, 10), 1);
    }
    assert.equal(at("constant", 1000), 1);
    assert.ok(Math.abs(at("linear", 35) - 0.75) < 1e-12);
    for (const step of [10, 20, 35, 60, 99, 110, 500]) {
      const progress = Math.min(1, (step - 10) / 100);
      assert.ok(Math.abs(at("cosine", step) - 0.5 * (1 + Math.cos(Math.PI * progress))) < 1e-12);
      assert.ok(at("cosine", step, 0.1) >= 0.1 - 1e-12);
    }
    assert.equal(at("linear", 110, 0.25), 0.25);
  });
});
