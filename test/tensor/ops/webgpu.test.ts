import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { stream, type Random } from "../../../lib/base/index.js";
import { useBackend } from "../../../lib/tensor/backends/index.js";
import * as ops from "../../../lib/tensor/ops/index.js";
import { KeyValueCache } from "../../../lib/policy/sampling/cache.js";
import { packedLayout, treeLayout } from "./layouts.js";

interface Case {
  readonly name: string;
  /** Inputs to differentiate, as shapes. */
  readonly shapes: number[][];
  readonly run: (inputs: tf.Tensor[]) => tf.Tensor[];
}

function normals(shape: number[], random: Random): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  );
}

/** The outputs and the gradients of a weighted sum of them; read without blocking, as a GPU must be. */
async function evaluate(example: Case): Promise<Float32Array[]> {
  const results = tf.tidy(() => {
    const inputs = example.shapes.map((shape, i) => normals(shape, stream(1, example.name, i)));
    const loss = (...x: tf.Tensor[]): tf.Scalar =>
      tf.addN(
        example.run(x).map((y, i) => tf.sum(tf.mul(y, normals(y.shape, stream(1, "weights", i))))),
      ) as tf.Scalar;
    return [...example.run(inputs), ...tf.grads(loss)(inputs)];
  });
  const values = await Promise.all(results.map((tensor) => tensor.data() as Promise<Float32Array>));
  tf.dispose(results);
  return values;
}

function cases(): Case[] {
  const r = stream(1, "webgpu");
  const list: Case[] = [];
  // Every way to store the two sides, whole vectors and not, of each kind of tile, with and without a cut along k.
  for (const [m, n, k] of [
    [70, 132, 36],
    [67, 131, 35],
    [9, 200, 1100],
    [130, 16, 640],
    [65, 64, 1200],
  ] as const) {
    for (const [ta, tb] of [
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ] as const) {
      list.push({
        name: `matMul ${m} × ${k} × ${n}, ${ta} ${tb}`,
        shapes: [ta ? [k, m] : [m, k], tb ? [n, k] : [k, n]],
        run: ([a, b]) => [ops.matMul(a!, b!, ta, tb)],
      });
    }
  }
  const [rows, width, outs, rank] = [45, 52, 300, 16];
  list.push(
    {
      name: "linear",
      shapes: [[rows, 700], [outs, 700], [outs]],
      run: ([x, w, b]) => [ops.linear(x!, w!, b)],
    },
    {
      name: "adapted",
      shapes: [
        [rows, width],
        [rank, width],
        [outs, rank],
        [rows, outs],
      ],
      run: ([x, a, b, y]) => [ops.adapted(x!, a!, b!, y!, 0.5)],
    },
    { name: "rmsNorm", shapes: [[rows, 2, 300], [300]], run: ([x, w]) => [ops.rmsNorm(x!, w!, 1e-6)] },
    {
      name: "swiGlu",
      shapes: [
        [rows, width],
        [rows, width],
      ],
      run: ([a, b]) => [ops.swiGlu(a!, b!)],
    },
    {
      name: "rotary",
      shapes: [[rows, 3, 32]],
      run: ([x]) => [
        ops.rotary(x!, normals([rows, 32], stream(1, "cos")), normals([rows, 32], stream(1, "sin"))),
      ],
    },
  );
  const tree = treeLayout([
    { length: 9, parent: -1 },
    { length: 30, parent: 0 },
    { length: 21, parent: 0 },
    { length: 5, parent: 2 },
    { length: 40, parent: 1 },
  ]);
  const layouts = {
    packed: packedLayout(60, [5, 0, 9, 12]),
    tree,
    causal: ops.causalLayout(1, 70),
    cached: ops.causalLayout(1, 3, 50),
    "nothing seen": { rows: 1, queries: 2, keys: 40, rangesPerQuery: 1, ranges: Int32Array.of(5, 5, 3, 40) },
  };
  for (const [name, layout] of Object.entries(layouts)) {
    for (const [headDim, kvHeads, group] of [
      [32, 2, 2],
      [64, 1, 3],
      [128, 2, 1],
      [20, 1, 2], // left to the composition
    ] as const) {
      list.push({
        name: `attention, ${name}, heads of ${headDim}`,
        shapes: [
          [layout.queries, kvHeads * group, headDim],
          [layout.keys, kvHeads, headDim],
          [layout.keys, kvHeads, headDim],
        ],
        run: ([q, k, v]) => [ops.attention(q!, k!, v!, layout, 1 / Math.sqrt(headDim))],
      });
    }
  }
  const targets = Int32Array.from({ length: 37 }, () => r.below(620));
  for (const chunk of [10, 64]) {
    list.push({
      name: `tokenLogProbs, ${chunk} at a time`,
      shapes: [
        [37, 24],
        [620, 24],
      ],
      run: ([h, head]) => {
        const scored = ops.tokenLogProbs(h!, head!, targets, { temperature: 0.7, chunk });
        return [scored.logProbs, scored.entropy];
      },
    });
  }
  return list;
}

describe("operations on webgpu", function () {
  this.timeout(600000);
  const examples = cases();
  const expected: Float32Array[][] = [];
  before(async function () {
    try {
      await useBackend("webgpu");
    } catch (error) {
      process.stderr.write(`  webgpu is not tested: ${(error as Error).message}\n`);
      this.skip();
    }
    await useBackend("cpu");
    for (const example of examples) expected.push(await evaluate(example));
    await useBackend("webgpu");
  });

  examples.forEach((example, c) => {
    it(`${example.name} agrees with the cpu backend, forward and backward`, async () => {
      (await evaluate(example)).forEach((values, which) => {
        const want = expected[c]![which]!;
        assert.equal(values.length, want.length);
        const scale = want.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
        values.forEach((value, i) => {
          assert.ok(
            Math.abs(value - want[i]!) <= 3e-5 * scale,
            `result ${which}, element ${i}: ${value}, not ${want[i]}`,
          );
        });
      });
    });
  });

  it("a cache grows in place and hands out what was put in", async () => {
    const cache = new KeyValueCache();
    const parts = [250, 10, 1].map((n, i) => normals([n, 2, 4], stream(2, i)));
    for (const [i, part] of parts.entries()) {
      for (const layer of [0, 1]) {
        const joined = tf.tidy(() => ({ ...cache.join(layer, { k: part, v: tf.neg(part) }) }));
        const want = tf.concat(parts.slice(0, i + 1));
        assert.deepEqual(joined.k.shape, want.shape);
        assert.deepEqual(await tf.tidy(() => tf.add(joined.v, 0)).data(), await tf.neg(want).data());
      }
    }
    assert.equal(cache.length, 261);
    cache.dispose();
  });

  it("leaves no tensors behind", async () => {
    for (const example of examples) await evaluate(example);
    const { numTensors } = tf.memory();
    for (const example of examples) await evaluate(example);
    assert.equal(tf.memory().numTensors, numTensors);
  });
});
