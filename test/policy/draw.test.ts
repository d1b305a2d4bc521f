import { strict as assert } from "node:assert";
import fc from "fast-check";
import { stream } from "../../lib/base/index.js";
import { draw, tokenTrie, type DrawOptions } from "../../lib/policy/index.js";
import { exp } from "../../lib/policy/sampling/exponential.js";

const scratch = { weights: new Float64Array(64) };

/** How often each id is drawn. */
function frequencies(logits: number[], options: DrawOptions, draws: number, admissible?: number[]): number[] {
  const random = stream(1, "draws");
  const counts = logits.map(() => 0);
  const z = Float32Array.from(logits);
  for (let i = 0; i < draws; i++) counts[draw(z, options, random, scratch, admissible).id]! += 1 / draws;
  return counts;
}

function near(actual: number[], expected: number[]): void {
  actual.forEach((x, i) =>
    assert.ok(Math.abs(x - expected[i]!) < 0.02, `${actual.join()} ≠ ${expected.join()}`),
  );
}

describe("draw", () => {
  const logits = [1, 2, 0, 3].map((p) => Math.log(p / 6)); // 1/6, 1/3, 0, 1/2

  it("follows the distribution, tempered, cut and constrained", () => {
    near(frequencies(logits, {}, 20_000), [1 / 6, 1 / 3, 0, 1 / 2]);
    near(frequencies(logits, { temperature: 0.5 }, 20_000), [1 / 14, 4 / 14, 0, 9 / 14]);
    near(frequencies(logits, { topK: 2 }, 20_000), [0, 2 / 5, 0, 3 / 5]);
    near(frequencies(logits, { topP: 0.5 }, 2000), [0, 0, 0, 1]);
    near(frequencies(logits, { topP: 0.51 }, 20_000), [0, 2 / 5, 0, 3 / 5]);
    near(frequencies(logits, {}, 20_000, [1, 0]), [1 / 3, 2 / 3, 0, 0]);
    assert.deepEqual(frequencies(logits, { temperature: 0 }, 3), [0, 0, 0, 1]);
    assert.deepEqual(frequencies(logits, { temperature: 0 }, 3, [0, 1]), [0, 1, 0, 0]);
  });

  it("reports log-probabilities and entropy of the tempered distribution", () => {
    const drawn = draw(Float32Array.from(logits), { topK: 1 }, stream(0), scratch);
    assert.equal(drawn.id, 3);
    assert.ok(Math.abs(drawn.logProb - Math.log(1 / 2)) < 1e-6);
    assert.equal(drawn.drawnLogProb, 0);
    const entropy = -(Math.log(1 / 6) / 6 + Math.log(1 / 3) / 3 + Math.log(1 / 2) / 2);
    assert.ok(Math.abs(drawn.entropy - entropy) < 1e-6);
  });

  it("draws admissible tokens however unlikely they are", () => {
    const far = Float32Array.from([0, -2000, -2001]);
    const drawn = draw(far, {}, stream(3), scratch, [1, 2]);
    assert.ok([1, 2].includes(drawn.id) && drawn.logProb < -1999 && drawn.drawnLogProb > -2);
  });

  it("takes −∞ for impossible and refuses what is no number", () => {
    const drawn = draw(Float32Array.from([-Infinity, 0, -Infinity]), {}, stream(3), scratch);
    assert.deepEqual(drawn, { id: 1, logProb: 0, drawnLogProb: 0, entropy: 0 });
    for (const bad of [NaN, Infinity]) {
      assert.throws(() => draw(Float32Array.from([1, bad]), {}, stream(3), scratch), /not finite/);
    }
  });

  it("has exponentials as exact as Math.exp", () => {
    fc.assert(
      fc.property(fc.double({ min: -700, max: 0, noNaN: true }), (z) => {
        // Engines differ in the last bits of their own Math.exp (Node 26's is 1.1e-15 away from Node 20's at −700).
        assert.ok(Math.abs(exp(z) / Math.exp(z) - 1) < 4e-15);
      }),
    );
    assert.deepEqual([exp(0), exp(-1e9), exp(-Infinity)], [1, 0, 0]);
  });

  it("is a function of its stream, whatever the logits", () => {
    const logit = fc.float({ min: -50, max: 50, noNaN: true });
    const options = fc.record({
      temperature: fc.double({ min: 0.05, max: 5, noNaN: true }),
      topP: fc.double({ min: 0.01, max: 1, noNaN: true }),
      topK: fc.nat(10),
    });
    fc.assert(
      fc.property(fc.array(logit, { minLength: 1, maxLength: 64 }), options, fc.nat(), (z, how, seed) => {
        const values = Float32Array.from(z);
        const one = draw(values, how, stream(seed), scratch);
        assert.deepEqual(draw(values, how, stream(seed), scratch), one);
        assert.ok(one.id < z.length && one.logProb <= 1e-9 && one.drawnLogProb <= 1e-9);
        assert.ok(one.drawnLogProb >= one.logProb - 1e-9);
        assert.ok(one.entropy >= -1e-9 && one.entropy <= Math.log(z.length) + 1e-9);
      }),
    );
  });
});

describe("a token trie", () => {
  it("leads to each choice and nowhere else", () => {
    const choices = [[1, 2], [1, 3, 4], [5]];
    const root = tokenTrie(choices);
    assert.deepEqual([...root.next.keys()], [1, 5]);
    choices.forEach((ids, index) => {
      const end = ids.reduce((node, id) => node.next.get(id)!, root);
      assert.equal(end.choice, index);
      assert.equal(end.next.size, 0);
    });
  });

  it("refuses nothing, empty and repeated choices", () => {
    assert.throws(() => tokenTrie([]), /nothing to choose from/);
    assert.throws(() => tokenTrie([[1], []]), /Choice 1 is empty/);
    assert.throws(() => tokenTrie([[1], [2], [1]]), /Choices 0 and 2/);
  });
});
