import assert from "node:assert/strict";
import {
  bootstrap,
  bootstrapTwoLevel,
  cliffDelta,
  cohenDPaired,
  curveBand,
  holm,
  iqm,
  mean,
  pairedPermutationTest,
  percentileInterval,
  probabilityOfImprovement,
  quantile,
  variance,
} from "../../lib/stats/index.js";

/** The statistics at their edges, and their seeded draws to the bit: records and figures hold these numbers. */
describe("edges of the statistics", () => {
  const refused = (run: () => unknown, message: RegExp): void =>
    assert.throws(run, (error: unknown) => error instanceof RangeError && message.test(error.message));

  it("refuse what has no answer, in words", () => {
    refused(() => quantile([], 0.5), /^A quantile needs at least one value/);
    refused(() => iqm([]), /^An interquartile mean needs at least one value/);
    refused(() => bootstrap([]), /^A bootstrap interval needs at least one value/);
    refused(() => bootstrapTwoLevel([]), /^A bootstrap interval needs at least one value/);
    refused(() => bootstrapTwoLevel([[]]), /^A bootstrap interval needs at least one value/);
    refused(() => bootstrapTwoLevel([[[]]]), /^A bootstrap interval needs at least one value/);
    refused(() => bootstrapTwoLevel([[[1, 2], [1]]]), /needs the same goals for every seed/);
    refused(
      () =>
        bootstrapTwoLevel([
          [[1, 2]],
          [
            [1, 2],
            [3, 4],
          ],
        ]),
      /needs the same goals for every seed/,
    );
    refused(() => pairedPermutationTest([1], [1, 2]), /as many values on either side, not 1 and 2/);
    refused(() => pairedPermutationTest([], []), /not 0 and 0/);
    refused(() => cohenDPaired([1, 2], [1]), /^Paired samples have the same length/);
    refused(() => probabilityOfImprovement([[1]], [[1], [2]]), /^Both sides need the same tasks/);
    refused(() => probabilityOfImprovement([], []), /^Both sides need the same tasks/);
    refused(() => probabilityOfImprovement([[1], []], [[1], [2]]), /^Every task needs a run/);
    refused(() => probabilityOfImprovement([[1], [2]], [[1], []]), /^Every task needs a run/);
    refused(() => holm([0.5, 1.01]), /^A p-value must be in \[0, 1\]/);
    refused(() => holm([-0.01]), /^A p-value/);
    refused(() => holm([NaN]), /^A p-value/);
    assert.deepEqual(percentileInterval(Float64Array.of(NaN, Infinity), 0.95), { lo: NaN, hi: NaN });
    assert.ok(Number.isNaN(variance([1])) && Number.isNaN(mean([])));
    assert.equal(variance([1, 3]), 2);
  });

  it("take p-values of exactly 0 and 1, keep their order, and break ties by it", () => {
    assert.deepEqual(holm([0, 1]), [0, 1]);
    assert.deepEqual(holm([0.04, 0.01, 0.04]), [0.08, 0.03, 0.08]);
    const none = holm([]);
    assert.deepEqual([none, none.length], [[], 0]);
  });

  it("count every sign pattern of up to twenty differences, ties in full", () => {
    const brute = (d: readonly number[]): number => {
      const observed = Math.abs(d.reduce((a, b) => a + b, 0));
      let hits = 0;
      for (let pattern = 0; pattern < 2 ** d.length; pattern++) {
        const sum = d.reduce((a, x, i) => a + ((pattern >> i) & 1 ? -x : x), 0);
        if (Math.abs(sum) > observed - 1e-9) hits++;
      }
      return hits / 2 ** d.length;
    };
    for (const d of [[1], [1, 1], [1, -1], [0.1, 0.2, 0.3], [3, -1, 2, 0.5], [1, 2, 3, 4, 5, -6]]) {
      const found = pairedPermutationTest(d, d.map(() => 0)); // prettier-ignore
      assert.deepEqual([found.p, found.exact], [brute(d), true], d.join());
    }
    // Pairs that agree change no sum, and do not push the test beyond its exact part.
    const padded = [...[3, -1, 2, 0.5], ...new Array<number>(30).fill(0)];
    const found = pairedPermutationTest(padded, padded.map(() => 0)); // prettier-ignore
    assert.deepEqual([found.p, found.exact], [brute([3, -1, 2, 0.5]), true]);
    const twenty = Array.from({ length: 20 }, (_, i) => (i % 7) - 2.5);
    assert.equal(pairedPermutationTest(twenty, twenty.map(() => 0)).exact, true); // prettier-ignore
    const more = [...twenty, 1];
    assert.equal(pairedPermutationTest(more, more.map(() => 0)).exact, false); // prettier-ignore
  });

  it("draw sign patterns by their seed, the observed one among them", () => {
    const a = Array.from({ length: 40 }, (_, i) => Math.sin(i) + 0.3);
    const zero = a.map(() => 0);
    const { p, difference } = pairedPermutationTest(a, zero, { resamples: 999 });
    assert.equal(p, GOLDEN.permutation);
    assert.equal(difference, mean(a));
    assert.equal(pairedPermutationTest(zero.map(() => 1), zero, { resamples: 99 }).p, 1 / 100); // prettier-ignore
  });

  it("draw resamples by their seed", () => {
    const values = [0, 1, 1, 0.5, 0.25, 1, 0, 0.75];
    const { value, lo, hi } = bootstrap(values, { resamples: 500 });
    assert.deepEqual([value, lo, hi], GOLDEN.bootstrap);
    const two = bootstrapTwoLevel([[values, [...values].reverse(), values.map((x) => x / 2)]], {
      resamples: 500,
    });
    assert.deepEqual([two[0]!.value, two[0]!.lo, two[0]!.hi], GOLDEN.twoLevel);
    const one = bootstrapTwoLevel([[values]], { resamples: 500 });
    assert.deepEqual(one[0], { value, lo, hi });
  });

  it("put a curve's steps in order, each with how many runs reached it", () => {
    const runs = [
      [{ step: 10, value: 2 }, { step: 2, value: 1 }], // prettier-ignore
      [{ step: 2, value: 3 }],
      [{ step: 30, value: 5 }],
    ];
    const band = curveBand(runs, { resamples: 200 });
    assert.deepEqual(
      band.map(({ step, value, runs: count }) => [step, value, count]),
      [
        [2, 2, 2],
        [10, 2, 1],
        [30, 5, 1],
      ],
    );
    assert.deepEqual([band[1]!.lo, band[1]!.hi], [2, 2]);
  });

  it("compare runs with ties as a half", () => {
    assert.equal(cliffDelta([1, 2], [1, 3]), (0 - 1 - 1 + 1) / 4);
    assert.equal(probabilityOfImprovement([[1], [2, 2]], [[0], [2]]), 0.75);
  });
});

/** Read off when the draws were fixed. */
const GOLDEN = {
  permutation: 0.008,
  bootstrap: [0.5625, 0.28125, 0.8125],
  twoLevel: [0.46875, 0.23164062500000004, 0.7033854166666664],
};
