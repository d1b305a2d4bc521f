import { strict as assert } from "node:assert";
import fc from "fast-check";
import {
  clippedSurrogate,
  evaluateLoss,
  klAt,
  type LossValue,
  type ObjectiveConfig,
  partOf,
  type PolicyGradientLoss,
  type PolicyGradientRow,
  ratios,
  tokenWeights,
} from "../../lib/objective/index.js";

function close(actual: number, expected: number, tolerance = 1e-6): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

const CLIP = { low: 0.2, high: 0.2, dual: 3 };

describe("KL estimators", () => {
  it("agree with the golden values", () => {
    const at = (lp: number, ref: number): number[] =>
      (["k1", "k2", "k3"] as const).map((estimator) => klAt({ estimator }, lp, ref).value);
    [0.2, 0.02, 0.018731].forEach((v, i) => close(at(-1, -1.2)[i]!, v));
    [-0.5, 0.125, 0.148721].forEach((v, i) => close(at(-1, -0.5)[i]!, v));
    assert.deepEqual(at(-1, -1), [0, 0, 0]);
  });

  it("have no gradient where they are cut", () => {
    assert.deepEqual(klAt({ estimator: "k3", clamp: 50 }, -30, -1), { value: 50, gradient: 0 });
  });
});

describe("the clipped surrogate", () => {
  const loss = (ratio: number, advantage: number, clip = CLIP): number =>
    clippedSurrogate(ratio, ratio, advantage, clip).value;

  it("agrees with the golden values", () => {
    close(loss(1.5, 1), -1.2);
    close(loss(0.5, 1), -0.5);
    close(loss(1.5, -1), 1.5);
    close(loss(0.5, -1), 0.8);
    close(loss(5, -1), 3);
    close(loss(1.5, 1, { ...CLIP, high: 0.28 }), -1.28);
    close(loss(1.25, 1, { ...CLIP, high: 0.28 }), -1.25);
  });

  it("is the larger of the free and the clipped loss", () => {
    const number = fc.double({ min: 0.01, max: 4, noNaN: true });
    fc.assert(
      fc.property(number, fc.double({ min: -3, max: 3, noNaN: true }), (ratio, advantage) => {
        const clipped = Math.min(1.2, Math.max(0.8, ratio));
        const expected = Math.max(-ratio * advantage, -clipped * advantage);
        close(clippedSurrogate(ratio, ratio, advantage, { low: 0.2, high: 0.2 }).value, expected, 1e-12);
      }),
    );
  });
});

describe("GSPO's sequence ratio", () => {
  it("agrees with the golden value", () => {
    const { ratio } = ratios("sequence", [0.1, -0.05, 0.2], [0, 0, 0]);
    ratio.forEach((s) => close(s, 1.086904));
  });
});

describe("aggregation", () => {
  const rows = [
    { tokens: 2, counted: true, group: 0, rollout: 0 },
    { tokens: 6, counted: true, group: 1, rollout: 0 },
  ];
  const losses = [[1, 1], new Array<number>(6).fill(2)];
  const total = (weights: readonly number[]): number =>
    losses.reduce((sum, row, i) => sum + row.reduce((a, b) => a + b, 0) * weights[i]!, 0);

  it("agrees with the golden values", () => {
    close(total(tokenWeights("token-mean", rows)), 1.75);
    close(total(tokenWeights("seq-mean-token-mean", rows)), 1.5);
    close(total(tokenWeights("seq-mean-token-sum", rows)), 7);
    close(total(tokenWeights({ constant: 8 }, rows)), 0.875);
    close(total(tokenWeights("prompt-mean", rows)), 1.5);
    close(total(tokenWeights("rollout-mean-token-mean", rows)), 3); // one roll-out of two rows: 1 + 2
  });

  it("leaves masked rows out of every denominator", () => {
    const masked = [...rows, { tokens: 100, counted: false, group: 2, rollout: 3 }];
    for (const mode of ["token-mean", "seq-mean-token-mean", "seq-mean-token-sum", "prompt-mean"] as const) {
      assert.deepEqual(tokenWeights(mode, masked), [...tokenWeights(mode, rows), 0]);
    }
    assert.deepEqual(tokenWeights("token-mean", [{ tokens: 3, counted: false, group: 0, rollout: 0 }]), [0]);
  });
});

describe("the policy-gradient loss", () => {
  const base: ObjectiveConfig = {
    ratio: "token",
    surrogate: "clipped",
    clip: CLIP,
    aggregation: "token-mean",
    kl: { estimator: "k3", coefficient: 0.04, where: "loss" },
    entropy: 0.01,
  };
  const variants: Record<string, ObjectiveConfig> = {
    "PPO clip with k3": base,
    "clip-higher, k2, seq-mean": {
      ...base,
      clip: { low: 0.2, high: 0.28 },
      kl: { estimator: "k2", coefficient: 0.1, where: "loss" },
      aggregation: "seq-mean-token-mean",
    },
    "REINFORCE, constant length": {
      ...base,
      ratio: "none",
      clip: null,
      kl: null,
      aggregation: { constant: 9 },
    },
    unclipped: { ...base, clip: null, aggregation: "prompt-mean" },
  };
  const value = fc.double({ min: -3, max: -0.05, noNaN: true });
  const row = fc.integer({ min: 1, max: 5 }).chain((n) =>
    fc.record({
      current: fc.array(value, { minLength: n, maxLength: n }),
      old: fc.array(value, { minLength: n, maxLength: n }),
      ref: fc.array(value, { minLength: n, maxLength: n }),
      entropy: fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: n, maxLength: n }),
      advantage: fc.double({ min: -2, max: 2, noNaN: true }),
      group: fc.integer({ min: 0, max: 1 }),
      counted: fc.boolean(),
    }),
  );
  type Drawn = typeof row extends fc.Arbitrary<infer T> ? T : never;
  type Given = Omit<PolicyGradientRow, "tokenWeight"> & { readonly group: number };
  const rowOf = (drawn: Drawn): Given => ({
    oldLogProbs: drawn.old,
    refLogProbs: drawn.ref,
    advantages: drawn.current.map(() => drawn.advantage),
    counted: drawn.counted,
    group: drawn.group,
  });
  /** Rows as the loss of one mini-batch. */
  const lossOf = (settings: ObjectiveConfig, rows: readonly Given[]): PolicyGradientLoss => {
    const weights = tokenWeights(
      settings.aggregation,
      rows.map(({ advantages, counted, group }) => ({
        tokens: advantages.length,
        counted,
        group,
        rollout: group,
      })),
    );
    return {
      kind: "policy-gradient",
      settings,
      rows: rows.map((row, i) => ({ ...row, tokenWeight: weights[i]! })),
    };
  };
  const at = (
    loss: PolicyGradientLoss,
    logProbs: readonly (readonly number[])[],
    entropies: readonly (readonly number[])[] = logProbs.map((tokens) => tokens.map(() => 0)),
  ): LossValue =>
    evaluateLoss(
      loss,
      logProbs.map((tokens, i) => ({ logProbs: tokens, entropies: entropies[i]! })),
    );

  for (const [name, config] of Object.entries(variants)) {
    it(`has the gradient that finite differences find: ${name}`, () => {
      fc.assert(
        fc.property(fc.array(row, { minLength: 1, maxLength: 4 }), (drawn) => {
          const rows = drawn.map(rowOf);
          const loss = lossOf(config, rows);
          const entropies = drawn.map((d) => d.entropy);
          const value = (logProbs: number[][]): number => at(loss, logProbs, entropies).loss;
          const current = drawn.map((d) => d.current);
          const { logProbGradients, entropyGradients } = at(loss, current, entropies);
          const h = 1e-6;
          current.forEach((tokens, i) =>
            tokens.forEach((_, t) => {
              const moved = (by: number): number[][] =>
                current.map((list, k) => list.map((v, u) => (k === i && u === t ? v + by : v)));
              const ratio = Math.exp(tokens[t]! - rows[i]!.oldLogProbs![t]!);
              const bounds = config.clip
                ? [1 - config.clip.low, 1 + config.clip.high, config.clip.dual ?? 1e9]
                : [];
              if (bounds.some((bound) => Math.abs(ratio - bound) < 1e-4)) return; // a kink has no derivative
              const found = (value(moved(h)) - value(moved(-h))) / (2 * h);
              close(logProbGradients[i]![t]!, found, 1e-5 * Math.max(1, Math.abs(found)));
              close(entropyGradients![i]![t]!, -loss.rows[i]!.tokenWeight * config.entropy, 1e-12);
            }),
          );
        }),
        { numRuns: 60 },
      );
    });
  }

  it("does not change when the mini-batch is split", () => {
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 6 }), fc.nat(), (drawn, cut) => {
        const loss = lossOf(base, drawn.map(rowOf));
        const [lp, h] = [drawn.map((d) => d.current), drawn.map((d) => d.entropy)];
        const whole = at(loss, lp, h);
        const k = 1 + (cut % (drawn.length - 1));
        const all = drawn.map((_, i) => i);
        const parts = [all.slice(0, k), all.slice(k)].map((which) =>
          at(
            partOf(loss, which),
            which.map((i) => lp[i]!),
            which.map((i) => h[i]!),
          ),
        );
        const together = parts.flatMap((part) => part.logProbGradients);
        assert.deepEqual(together, whole.logProbGradients);
        close(parts[0]!.loss + parts[1]!.loss, whole.loss, 1e-9);
      }),
    );
  });

  it("is REINFORCE in gradient on the policy that sampled, with ratio 1 and nothing clipped", () => {
    const rows = [0.5, -1].map((advantage, group): Given => ({
      oldLogProbs: [-1, -0.3],
      advantages: [advantage, advantage],
      counted: true,
      group,
    }));
    const plain: ObjectiveConfig = { ...base, kl: null, entropy: 0 };
    const logProbs = rows.map((r) => r.oldLogProbs!);
    const ppo = at(lossOf(plain, rows), logProbs);
    const pg = at(lossOf({ ...plain, ratio: "none", clip: null }, rows), logProbs);
    assert.deepEqual(ppo.logProbGradients, pg.logProbGradients);
    const sums = ppo.sums!;
    assert.equal(sums["ratio"]! / sums["tokens"]!, 1);
    assert.equal(sums["clipLow"]! + sums["clipHigh"]! + sums["clipDual"]!, 0);
    assert.equal(sums["klOldK1"], 0);
    // Old log-probabilities that are not known yet are the current ones.
    const unknown = rows.map((row) => ({ ...row, oldLogProbs: null }));
    assert.deepEqual(at(lossOf(plain, unknown), logProbs), ppo);
  });

  it("multiplies a row's loss by its weight", () => {
    const row: Given = { oldLogProbs: [-1], advantages: [1], counted: true, group: 0 };
    const plain: ObjectiveConfig = { ...base, kl: null, entropy: 0, aggregation: "seq-mean-token-sum" };
    const weighted = at(lossOf(plain, [{ ...row, rowWeight: 0.25 }, row]), [[-1], [-1]]);
    assert.deepEqual(weighted.logProbGradients, [[-0.125], [-0.5]]);
    assert.equal(weighted.loss, -0.625);
  });

  it("stops on an advantage or an entropy that is not finite, and names the task", () => {
    const row: Given = { oldLogProbs: [-1], advantages: [NaN], counted: true, group: 0 };
    assert.throws(() => at(lossOf(base, [row]), [[-1]]), /token 0 of a response to row 0 is NaN/);
    const named = { ...row, advantages: [1], task: "goal 12" };
    for (const entropy of [0, 0.01]) {
      assert.throws(() => at(lossOf({ ...base, entropy }, [named]), [[-1]], [[NaN]]), {
        name: "RunError",
        message: /a response to the task "goal 12" is .*its entropy NaN/,
      });
    }
  });
});
