import assert from "node:assert/strict";
import fc from "fast-check";
import {
  bootstrap,
  bootstrapTwoLevel,
  cliffDelta,
  curveBand,
  holm,
  iqm,
  pairedPermutationTest,
  probabilityOfImprovement,
} from "../../lib/stats/index.js";

const value = fc.integer({ min: 0, max: 20 }).map((x) => x / 20);
const sample = fc.array(value, { minLength: 1, maxLength: 30 });

describe("properties of the statistics", () => {
  it("a bootstrap interval holds its estimate, stays within the data and repeats itself", () => {
    fc.assert(
      fc.property(sample, (values) => {
        const once = bootstrap(values, { resamples: 200 });
        assert.deepEqual(bootstrap(values, { resamples: 200 }), once);
        assert.ok(once.lo >= Math.min(...values) - 1e-12 && once.hi <= Math.max(...values) + 1e-12);
        assert.ok(once.lo <= once.hi);
      }),
      { numRuns: 50 },
    );
  });

  it("with one seed, two levels are one", () => {
    const values = [0, 1, 1, 0.5, 0.25, 1, 0, 0.75];
    assert.deepEqual(bootstrapTwoLevel([[values]])[0], bootstrap(values));
  });

  it("seeds that agree add nothing to the interval over goals", () => {
    const values = [0, 1, 1, 0.5, 0.25, 1, 0, 0.75, 0.1, 0.9];
    const one = bootstrapTwoLevel([[values]])[0]!;
    const three = bootstrapTwoLevel([[values, values, values]])[0]!;
    assert.equal(three.value, one.value);
    assert.ok(Math.abs(three.hi - three.lo - (one.hi - one.lo)) < 0.03);
  });

  it("leaves out absent cells and keeps columns on the same resamples", () => {
    const [whole, absent, double] = bootstrapTwoLevel([[[1, 2, 3, 4]], [[1, NaN, 3, NaN]], [[2, 4, 6, 8]]], {
      resamples: 500,
    });
    assert.equal(absent!.value, 2);
    assert.ok(absent!.lo >= 1 && absent!.hi <= 3);
    assert.deepEqual(
      [double!.value, double!.lo, double!.hi],
      [whole!.value, whole!.lo, whole!.hi].map((x) => 2 * x),
    );
  });

  it("refuses a ragged or an empty table", () => {
    assert.throws(() => bootstrapTwoLevel([[[1, 2], [1]]]), RangeError);
    assert.throws(() => bootstrapTwoLevel([[]]), RangeError);
    assert.throws(() => bootstrap([]), RangeError);
    assert.throws(() => iqm([]), RangeError);
    assert.throws(() => pairedPermutationTest([1], [1, 2]), RangeError);
    assert.throws(() => holm([1.5]), RangeError);
    assert.throws(() => probabilityOfImprovement([[1]], []), RangeError);
  });

  it("a permutation test is symmetric, and sure of nothing when nothing differs", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 10 }), (pairs) => {
        const a = pairs.map(([x]) => x);
        const b = pairs.map(([, y]) => y);
        const test = pairedPermutationTest(a, b);
        assert.equal(test.p, pairedPermutationTest(b, a).p);
        assert.ok(test.p > 0 && test.p <= 1);
        assert.equal(pairedPermutationTest(a, a).p, 1);
      }),
      { numRuns: 60 },
    );
  });

  it("Holm never lowers a p-value and keeps their order", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }), (p) => {
        const adjusted = holm(p);
        adjusted.forEach((x, i) => assert.ok(x >= p[i]! && x <= 1));
        for (let i = 0; i < p.length; i++) {
          for (let j = 0; j < p.length; j++) if (p[i]! < p[j]!) assert.ok(adjusted[i]! <= adjusted[j]!);
        }
      }),
    );
  });

  it("Cliff's delta and the probability of improvement turn round with their arguments", () => {
    fc.assert(
      fc.property(sample, sample, (a, b) => {
        assert.ok(Math.abs(cliffDelta(a, b) + cliffDelta(b, a)) < 1e-12);
        const sum = probabilityOfImprovement([a], [b]) + probabilityOfImprovement([b], [a]);
        assert.ok(Math.abs(sum - 1) < 1e-12);
        const pairs = a.flatMap((x) => b.map((y): number => Math.sign(x - y)));
        assert.ok(Math.abs(cliffDelta(a, b) - pairs.reduce((s, x) => s + x, 0) / pairs.length) < 1e-12);
      }),
    );
  });

  it("a band over three runs is their range: each extreme has a chance of 1 in 27, more than 2.5 %", () => {
    const [point] = curveBand([
      [{ step: 1, value: 0.25 }],
      [{ step: 1, value: 0.5 }],
      [{ step: 1, value: 0.375 }],
    ]);
    assert.deepEqual([point!.lo, point!.hi], [0.25, 0.5]);
    assert.ok(Math.abs(point!.value - 0.375) < 1e-12);
  });

  it("a band counts the runs that reached each step", () => {
    const band = curveBand([
      [
        { step: 0, value: 0 },
        { step: 10, value: 1 },
      ],
      [{ step: 0, value: 1 }],
    ]);
    assert.deepEqual(
      band.map(({ step, value: mean, runs }) => [step, mean, runs]),
      [
        [0, 0.5, 2],
        [10, 1, 1],
      ],
    );
    assert.deepEqual([band[0]!.lo, band[0]!.hi, band[1]!.lo, band[1]!.hi], [0, 1, 1, 1]);
  });
});
