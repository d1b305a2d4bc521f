import assert from "node:assert/strict";
import * as tf from "@tensorflow/tfjs";
import { stream, type Random } from "../../../lib/base/index.js";
import { useBackend } from "../../../lib/tensor/backends/index.js";
import * as ops from "../../../lib/tensor/ops/index.js";
import { packedLayout, treeLayout } from "./layouts.js";

interface Case {
  readonly name: string;
  /** Inputs to differentiate, as shapes. */
  readonly shapes: number[][];
  readonly run: (inputs: tf.Tensor[]) => tf.Tensor[];
}

/** The outputs and the gradients of a weighted sum of them, as plain arrays. */
function evaluate(example: Case, seed: number): Float32Array[] {
  return tf.tidy(() => {
    const inputs = example.shapes.map((shape, i) => normals(shape, stream(seed, example.name, i)));
    const outputs = example.run(inputs);
    const loss = (...x: tf.Tensor[]): tf.Scalar =>
      tf.addN(
        example.run(x).map((y, i) => tf.sum(tf.mul(y, normals(y.shape, stream(seed, "weights", i))))),
      ) as tf.Scalar;
    const grads = tf.grads(loss)(inputs);
    return [...outputs, ...grads].map((tensor) => tensor.dataSync() as Float32Array);
  });
}

function normals(shape: number[], random: Random): tf.Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    shape,
  );
}

function randomCases(seed: number): Case[] {
  const r = stream(seed, "shapes");
  const upTo = (n: number): number => 1 + r.below(n);
  const [n, d, f, vocab] = [upTo(70), upTo(41), upTo(30), 2 + r.below(60)];
  const ids = Int32Array.from({ length: n }, () => r.below(vocab));
  const [kvHeads, group, headDim] = [upTo(3), upTo(3), 2 * upTo(10)];
  const heads = kvHeads * group;
  const packed = packedLayout(
    upTo(60),
    Array.from({ length: upTo(9) }, () => r.below(9)),
  );
  const tree = treeLayout([
    { length: upTo(9), parent: -1 },
    { length: upTo(30), parent: 0 },
    { length: upTo(30), parent: 0 },
    { length: upTo(9), parent: 2 },
    { length: upTo(9), parent: 1 },
  ]);
  const causal = ops.causalLayout(upTo(3), upTo(70));
  const cached = ops.causalLayout(upTo(3), upTo(4), upTo(40));
  const angles = [normals([n, headDim], r).dataSync(), normals([n, headDim], r).dataSync()];
  const layouts = { packed, tree, causal, cached };
  const [tall, wide] = [upTo(20), upTo(600)];
  return [
    {
      name: "matMul, deep",
      shapes: [
        [tall, 3 * wide],
        [3 * wide, upTo(20)],
      ],
      run: ([a, b]) => [ops.matMul(a!, b!)],
    },
    {
      name: "matMul, wide",
      shapes: [
        [wide, tall],
        [2 * wide, tall],
      ],
      run: ([a, b]) => [ops.matMul(a!, b!, false, true)],
    },
    {
      name: "matMul, batches, both transposed",
      shapes: [
        [3, 2, d, n],
        [3, 2, f, d],
      ],
      run: ([a, b]) => [ops.matMul(a!, b!, true, true)],
    },
    { name: "linear", shapes: [[n, d], [f, d], [f]], run: ([x, w, b]) => [ops.linear(x!, w!, b)] },
    { name: "rmsNorm", shapes: [[n, 2, d], [d]], run: ([x, w]) => [ops.rmsNorm(x!, w!, 1e-6)] },
    {
      name: "swiGlu",
      shapes: [
        [n, f],
        [n, f],
      ],
      run: ([a, b]) => [ops.swiGlu(a!, b!)],
    },
    { name: "embed", shapes: [[vocab, d]], run: ([table]) => [ops.embed(ids, table!)] },
    {
      name: "rotary",
      shapes: [[n, heads, headDim]],
      run: ([x]) => [
        ops.rotary(x!, tf.tensor(angles[0]!, [n, headDim]), tf.tensor(angles[1]!, [n, headDim])),
      ],
    },
    ...Object.entries(layouts).map(([name, layout]): Case => ({
      name: `attention, ${name}`,
      shapes: [
        [layout.rows * layout.queries, heads, headDim],
        [layout.rows * layout.keys, kvHeads, headDim],
        [layout.rows * layout.keys, kvHeads, headDim],
      ],
      run: ([q, k, v]) => [ops.attention(q!, k!, v!, layout, 1 / Math.sqrt(headDim))],
    })),
    {
      name: "tokenLogProbs",
      shapes: [
        [n, d],
        [vocab, d],
      ],
      run: ([h, head]) => {
        const scored = ops.tokenLogProbs(h!, head!, ids, {
          temperature: 0.5 + seed / 10,
          chunk: 1 + (seed % 40),
        });
        return [scored.logProbs, scored.entropy];
      },
    },
  ];
}

describe("operations on wasm and native agree with the cpu backend", () => {
  const SEEDS = 5;
  const expected: Float32Array[][][] = [];
  before(async () => {
    await useBackend("cpu");
    for (let seed = 0; seed < SEEDS; seed++) {
      expected.push(randomCases(seed).map((example) => evaluate(example, seed)));
    }
  });

  for (const backend of ["wasm", "native"] as const) {
    it(`forward and backward, on random shapes: ${backend}`, async function () {
      try {
        await useBackend(backend);
      } catch (error) {
        process.stderr.write(`  ${backend} is not tested: ${(error as Error).message}\n`);
        this.skip();
      }
      for (let seed = 0; seed < SEEDS; seed++) {
        randomCases(seed).forEach((example, c) => {
          evaluate(example, seed).forEach((values, which) => {
            const want = expected[seed]![c]![which]!;
            assert.equal(values.length, want.length);
            const scale = want.reduce((most, x) => Math.max(most, Math.abs(x)), 1);
            values.forEach((value, i) => {
              assert.ok(
                Math.abs(value - want[i]!) <= 2e-5 * scale,
                `${example.name}, seed ${seed}, result ${which}, element ${i}: ${value}, not ${want[i]}`,
              );
            });
          });
        });
      }
    });
  }

  it("broadcasts batches of matrices", async () => {
    await useBackend("wasm"); // the cpu backend gets two different batch sizes wrong, so the reference is slice by slice
    tf.tidy(() => {
      const [a, b] = [normals([3, 1, 5, 7], stream(4, "a")), normals([2, 7, 6], stream(4, "b"))];
      const whole = ops.matMul(a, b);
      assert.deepEqual(whole.shape, [3, 2, 5, 6]);
      const all = whole.arraySync() as number[][][][];
      for (let i = 0; i < 3; i++) {
        for (let j = 0; j < 2; j++) {
          const [left, right] = [
            tf.reshape(tf.slice(a, [i], [1]), [5, 7]),
            tf.reshape(tf.slice(b, [j], [1]), [7, 6]),
          ];
          assert.deepEqual(ops.matMul(left, right).arraySync(), all[i]![j]);
        }
      }
    });
  });

  it("gives a row the same bits alone as in any batch", async () => {
    await useBackend("wasm");
    tf.tidy(() => {
      const [x, w] = [normals([33, 50], stream(3, "x")), normals([21, 50], stream(3, "w"))];
      const whole = ops.linear(x, w).arraySync();
      [0, 5, 32].forEach((row) => {
        assert.deepEqual(ops.linear(tf.slice(x, [row, 0], [1, 50]), w).arraySync(), [whole[row]]);
      });
    });
  });

  it("leaves no tensors behind, with or without the tape", async () => {
    await useBackend("wasm");
    const cases = randomCases(5);
    const once = (): void => {
      for (const example of cases) {
        evaluate(example, 5);
        const inputs = example.shapes.map((shape, i) => normals(shape, stream(5, i)));
        const before = tf.memory().numTensors;
        const outputs = tf.tidy(() => example.run(inputs));
        assert.equal(tf.memory().numTensors, before + outputs.length, example.name);
        tf.dispose([...inputs, ...outputs]);
      }
    };
    once();
    const { numTensors, numBytes } = tf.memory();
    once();
    assert.deepEqual([tf.memory().numTensors, tf.memory().numBytes], [numTensors, numBytes]);
  });

  it("refuses tokens outside the vocabulary", async () => {
    await useBackend("wasm");
    const table = tf.zeros([5, 2]);
    assert.throws(() => ops.embed(Int32Array.of(1, 5), table), /Token 5 at position 1 .* vocabulary of 5/);
    assert.throws(() => ops.tokenLogProbs(tf.zeros([1, 2]), table, Int32Array.of(-1)), /Token -1/);
    table.dispose();
  });
});
