import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  bootstrap,
  cliffDelta,
  cohenD,
  cohenDPaired,
  holm,
  iqm,
  pairedPermutationTest,
  probabilityOfImprovement,
  quantile,
  variance,
} from "../../lib/stats/index.js";

interface Reference {
  readonly samples: Record<"a" | "b" | "bigA" | "bigB" | "skew", number[]>;
  readonly permutation: Record<"exact" | "sampled80", { difference: number; p: number }>;
  readonly bootstrap: Record<"bigA mean" | "skew mean" | "skew iqm", [number, number]>;
  readonly iqm: Record<"skew" | "a" | "bigA", number>;
  readonly quantile: Record<string, number>;
  readonly holm: { p: number[]; adjusted: number[] };
  readonly probabilityOfImprovement: Record<"one" | "mean of two", number>;
  readonly cliffDelta: number;
  readonly variance: number;
  readonly cohenD: number;
  readonly cohenDPaired: number;
  readonly tIndependent: number;
  readonly tPaired: number;
}

/** Computed by SciPy and statsmodels; `statistics.py` beside it says how. */
const reference = JSON.parse(readFileSync("test/stats/fixtures/statistics.json", "utf8")) as Reference;
const { a, b, bigA, bigB, skew } = reference.samples;

function close(actual: number, expected: number, tolerance = 1e-12): void {
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${actual} is not ${expected}`,
  );
}

describe("statistics against SciPy and statsmodels", () => {
  it("quantiles", () => {
    const sorted = [...skew].sort((x, y) => x - y);
    for (const [p, expected] of Object.entries(reference.quantile))
      close(quantile(sorted, Number(p)), expected);
  });

  it("variance and effect sizes, also by way of Student's t", () => {
    close(variance(skew), reference.variance);
    close(cohenD(a, b), reference.cohenD);
    close(cohenDPaired(a, b), reference.cohenDPaired);
    close(cohenD(a, b), reference.tIndependent * Math.sqrt(1 / a.length + 1 / b.length));
    close(cohenDPaired(a, b), reference.tPaired / Math.sqrt(a.length));
    close(cliffDelta(bigA, bigB), reference.cliffDelta);
  });

  it("interquartile mean", () => {
    close(iqm(skew), reference.iqm.skew);
    close(iqm(a), reference.iqm.a);
    close(iqm(bigA), reference.iqm.bigA);
  });

  it("probability of improvement", () => {
    close(probabilityOfImprovement([bigA], [bigB]), reference.probabilityOfImprovement.one);
    close(probabilityOfImprovement([a, bigA], [b, bigB]), reference.probabilityOfImprovement["mean of two"]);
  });

  it("Holm's adjustment", () => {
    holm(reference.holm.p).forEach((p, i) => close(p, reference.holm.adjusted[i]!));
  });

  it("exact paired permutation test", () => {
    const test = pairedPermutationTest(a, b);
    assert.equal(test.exact, true);
    close(test.difference, reference.permutation.exact.difference);
    close(test.p, reference.permutation.exact.p);
  });

  it("sampled paired permutation test, within sampling error", () => {
    const test = pairedPermutationTest(bigB.slice(0, 80), bigB.slice(100, 180), { resamples: 20_000 });
    assert.equal(test.exact, false);
    close(test.difference, reference.permutation.sampled80.difference);
    assert.ok(Math.abs(test.p - reference.permutation.sampled80.p) < 0.012); // four standard errors
  });

  it("percentile bootstrap intervals, within sampling error", () => {
    const cases = [
      [bootstrap(bigA), reference.bootstrap["bigA mean"]],
      [bootstrap(skew), reference.bootstrap["skew mean"]],
      [bootstrap(skew, {}, iqm), reference.bootstrap["skew iqm"]],
    ] as const;
    for (const [interval, [lo, hi]] of cases) {
      const tolerance = 0.03 * (hi - lo); // the ends of 10,000 resamples scatter by about 1 % of the width
      assert.ok(Math.abs(interval.lo - lo) < tolerance, `${interval.lo} against ${lo}`);
      assert.ok(Math.abs(interval.hi - hi) < tolerance, `${interval.hi} against ${hi}`);
    }
  });
});

describe("statistics against published examples", () => {
  it("Darwin's maize: Fisher (1935, §21) counts 1,726 of 32,768 sign patterns", () => {
    // crossed minus self-fertilised, in eighths of an inch; set against zero they are their own differences
    const differences = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
    const test = pairedPermutationTest(
      differences,
      differences.map(() => 0),
    );
    close(test.difference, 314 / 15);
    assert.equal(test.p, 1726 / 32768);
  });
});
