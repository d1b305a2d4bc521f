/** Each formula at values worked out by hand, at its bounds above all: what a random draw never hits. */
import { strict as assert } from "node:assert";
import {
  addSums,
  type Aggregation,
  type Clip,
  clippedSurrogate,
  detachedSurrogate,
  emptySums,
  evaluateLoss,
  klAt,
  type Loss,
  moduleOf,
  type ObjectiveConfig,
  ratios,
  registerLoss,
  tokenLoss,
  type TokenLoss,
  tokenWeights,
} from "../../lib/objective/index.js";

const CLIP: Clip = { low: 0.25, high: 0.5, dual: 3 };

describe("the loss of a token", () => {
  // dρ/d log π is 2 in every row, so that it cannot be mistaken for the ratio.
  const clipped: [ratio: number, advantage: number, clip: Clip | null, expected: TokenLoss][] = [
    [1, 4, CLIP, { value: -4, gradient: -8, clipped: null }],
    [1.5, 4, CLIP, { value: -6, gradient: -8, clipped: null }],
    [1.75, 4, CLIP, { value: -6, gradient: 0, clipped: "high" }],
    [0.5, 4, CLIP, { value: -2, gradient: -8, clipped: null }],
    [4, 4, CLIP, { value: -6, gradient: 0, clipped: "high" }],
    [0.75, -4, CLIP, { value: 3, gradient: 8, clipped: null }],
    [0.5, -4, CLIP, { value: 3, gradient: 0, clipped: "low" }],
    [3, -4, CLIP, { value: 12, gradient: 8, clipped: null }],
    [4, -4, CLIP, { value: 12, gradient: 0, clipped: "dual" }],
    [4, -4, { low: 0.25, high: 0.5 }, { value: 16, gradient: 8, clipped: null }],
    [4, -4, null, { value: 16, gradient: 8, clipped: null }],
  ];
  for (const [ratio, advantage, clip, expected] of clipped) {
    it(`is clipped as PPO does: ratio ${ratio}, advantage ${advantage}, clip ${JSON.stringify(clip)}`, () =>
      assert.deepEqual(clippedSurrogate(ratio, 2, advantage, clip), expected));
  }

  it("is not clipped where there is no advantage", () => {
    for (const ratio of [0.1, 4]) {
      const { value, gradient, clipped: by } = clippedSurrogate(ratio, 2, 0, CLIP);
      assert.deepEqual([Math.abs(value), Math.abs(gradient), by], [0, 0, null]);
    }
  });

  // log π is −2.
  const detached: [ratio: number, clip: Clip | null, expected: TokenLoss][] = [
    [1, CLIP, { value: 8, gradient: -4, clipped: null }],
    [1.5, CLIP, { value: 12, gradient: -6, clipped: null }],
    [2, CLIP, { value: 12, gradient: -6, clipped: "high" }],
    [0.75, CLIP, { value: 6, gradient: -3, clipped: null }],
    [0.5, CLIP, { value: 6, gradient: -3, clipped: "low" }],
    [2, null, { value: 16, gradient: -8, clipped: null }],
  ];
  for (const [ratio, clip, expected] of detached) {
    it(`has a bounded constant ratio in CISPO: ratio ${ratio}, clip ${JSON.stringify(clip)}`, () =>
      assert.deepEqual(detachedSurrogate(ratio, -2, 4, clip), expected));
  }

  it("is the one that the settings name", () => {
    const by = (ratio: ObjectiveConfig["ratio"], surrogate: ObjectiveConfig["surrogate"]): TokenLoss =>
      tokenLoss({ ratio, surrogate, clip: CLIP }, 2, 2, -2, 4);
    const reinforce = { value: 8, gradient: -4, clipped: null };
    assert.deepEqual(by("none", "clipped"), reinforce);
    assert.deepEqual(by("none", "detached"), reinforce);
    assert.deepEqual(by("token", "clipped"), { value: -6, gradient: 0, clipped: "high" });
    assert.deepEqual(by("sequence", "clipped"), { value: -6, gradient: 0, clipped: "high" });
    assert.deepEqual(by("token", "detached"), { value: 12, gradient: -6, clipped: "high" });
  });
});

describe("importance ratios", () => {
  it("are 1 without a derivative where the level is none", () => {
    assert.deepEqual(ratios("none", [-1, -2], [-3, -4]), { ratio: [1, 1], gradient: [0, 0] });
  });

  it("are of each token, and constant where the exponent is cut", () => {
    const { ratio, gradient } = ratios("token", [-1, -0.5, -40, -1], [-1, -1, -1, -40]);
    const expected = [1, Math.exp(0.5), Math.exp(-20), Math.exp(20)];
    assert.deepEqual(ratio, expected);
    assert.deepEqual(gradient, [1, Math.exp(0.5), 0, 0]);
  });

  it("are one for the sequence, of the mean difference, cut at e^10", () => {
    const s = Math.exp(0.75);
    assert.deepEqual(ratios("sequence", [-1, -2], [-2, -2.5]), { ratio: [s, s], gradient: [s, s] });
    assert.deepEqual(ratios("sequence", [-1], [-40]).ratio, [Math.exp(10)]);
    assert.deepEqual(ratios("sequence", [], []), { ratio: [], gradient: [] });
  });
});

describe("the KL term", () => {
  it("has the derivative of its value, and none beyond its bound", () => {
    assert.deepEqual(klAt({ estimator: "k1" }, -1, -3), { value: 2, gradient: 1 });
    assert.deepEqual(klAt({ estimator: "k2" }, -1, -3), { value: 2, gradient: 2 });
    assert.deepEqual(klAt({ estimator: "k3" }, -1, -3), {
      value: Math.exp(-2) + 2 - 1,
      gradient: 1 - Math.exp(-2),
    });
    assert.deepEqual(klAt({ estimator: "k2", clamp: 2 }, -1, -3), { value: 2, gradient: 2 });
    assert.deepEqual(klAt({ estimator: "k2", clamp: 1.5 }, -1, -3), { value: 1.5, gradient: 0 });
    assert.deepEqual(klAt({ estimator: "k2", clamp: 3 }, -1, -3), { value: 2, gradient: 2 });
  });

  it("is linear where its exponent is cut", () => {
    assert.deepEqual(klAt({ estimator: "k3" }, -40, -10), { value: Math.exp(20) - 31, gradient: 1 });
    assert.deepEqual(klAt({ estimator: "k3" }, -1, -41), { value: Math.exp(-20) + 39, gradient: 1 });
  });
});

describe("token weights", () => {
  it("ignore an empty row, and tell roll-outs and groups apart", () => {
    const row = (tokens: number, group: number, rollout: number): Parameters<typeof tokenWeights>[1][0] => ({
      tokens,
      counted: true,
      group,
      rollout,
    });
    const rows = [row(2, 0, 0), row(4, 0, 1), row(0, 1, 2), row(1, 2, 3)];
    const by = (mode: Aggregation): number[] => tokenWeights(mode, rows);
    assert.deepEqual(by("token-mean"), [1 / 7, 1 / 7, 0, 1 / 7]);
    assert.deepEqual(by("seq-mean-token-mean"), [1 / 6, 1 / 12, 0, 1 / 3]);
    assert.deepEqual(by("seq-mean-token-sum"), [1 / 3, 1 / 3, 0, 1 / 3]);
    assert.deepEqual(by({ constant: 2 }), [1 / 6, 1 / 6, 0, 1 / 6]);
    assert.deepEqual(by("prompt-mean"), [1 / 12, 1 / 12, 0, 1 / 2]);
    assert.deepEqual(by("rollout-mean-token-mean"), [1 / 6, 1 / 12, 0, 1 / 3]);
    for (const mode of ["token-mean", "prompt-mean", "rollout-mean-token-mean", { constant: 2 }] as const)
      assert.deepEqual(tokenWeights(mode, [row(0, 0, 0)]), [0]);
  });
});

describe("the policy-gradient loss of two rows, worked out by hand", () => {
  const settings: ObjectiveConfig = {
    ratio: "token",
    surrogate: "clipped",
    clip: CLIP,
    aggregation: "token-mean",
    kl: { estimator: "k2", coefficient: 0.75, where: "loss" },
    entropy: 0.25,
  };
  const [ln2, ln4] = [Math.log(2), Math.log(4)];
  const row = {
    // Ratios 2 and 1/4: with the advantages 4 and −4 both are clipped. The references are 2 and 3 below.
    oldLogProbs: [-3 - ln2, -3 + ln4],
    refLogProbs: [-5, -6],
    advantages: [4, -4],
    counted: true,
    tokenWeight: 0.5,
    rowWeight: 2,
  };
  const scores = { logProbs: [-3, -3], entropies: [1, 3] };
  const near = (actual: number, expected: number, what: string): void =>
    assert.ok(Math.abs(actual - expected) < 1e-12, `${what}: ${actual}, not ${expected}`);

  it("has the value, derivatives and sums of its terms", () => {
    const value = evaluateLoss({ kind: "policy-gradient", settings, rows: [row] }, [scores]);
    // Tokens: −1.5·4 + 0.75·2²/2 = −4.5; 0.75·4 + 0.75·3²/2 = 6.375. Each times 2, less 0.25·H.
    near(value.loss, 0.5 * (2 * -4.5 - 0.25) + 0.5 * (2 * 6.375 - 0.75), "loss");
    // The clipped surrogates have no derivative: β·d alone.
    assert.deepEqual(value.logProbGradients, [[0.5 * 2 * 0.75 * 2, 0.5 * 2 * 0.75 * 3]]);
    assert.deepEqual(value.entropyGradients, [[-0.125, -0.125]]);
    const expected = {
      tokens: 2,
      policyLoss: -6 + 3,
      klLoss: 0.75 * 2 + 0.75 * 4.5,
      klOldK1: -ln2 + ln4,
      klOldK3: 2 - ln2 - 1 + (0.25 + ln4 - 1),
      klRefK3: Math.exp(-2) + 2 - 1 + (Math.exp(-3) + 3 - 1),
      entropy: 4,
      ratio: 2.25,
      ratioMax: 2,
      clipLow: 1,
      clipHigh: 1,
      clipDual: 0,
    };
    assert.deepEqual(Object.keys(value.sums!), Object.keys(expected));
    for (const [name, sum] of Object.entries(expected)) near(value.sums![name]!, sum, name);
  });

  it("counts the dual clip and the distance from where it sampled", () => {
    const dual = { ...row, oldLogProbs: [-3 - ln4, -3], advantages: [-4, 0] };
    const { sums } = evaluateLoss({ kind: "policy-gradient", settings, rows: [dual] }, [scores]);
    assert.deepEqual([sums!["clipDual"], sums!["clipLow"], sums!["clipHigh"]], [1, 0, 0]);
    near(sums!["klOldK1"]!, -ln4, "k1");
    near(sums!["ratioMax"]!, 4, "the largest ratio");
  });

  it("has a row that does not count in no sum, and no KL without a reference or in the reward", () => {
    const out = { ...row, counted: false, tokenWeight: 0 };
    const { sums } = evaluateLoss({ kind: "policy-gradient", settings, rows: [out] }, [scores]);
    assert.deepEqual(sums, emptySums());
    const { refLogProbs: _, ...alone } = row;
    const without = evaluateLoss({ kind: "policy-gradient", settings, rows: [alone] }, [scores]);
    assert.deepEqual([without.sums!["klLoss"], without.sums!["klRefK3"]], [0, 0]);
    assert.deepEqual(without.logProbGradients.flat().map(Math.abs), [0, 0]);
    const charged = { ...settings, kl: { estimator: "k1", coefficient: 0.5, where: "reward" } } as const;
    const inReward = evaluateLoss({ kind: "policy-gradient", settings: charged, rows: [row] }, [scores]);
    assert.equal(inReward.sums!["klLoss"], 0);
    near(inReward.sums!["klRefK3"]!, Math.exp(-2) + 1 + Math.exp(-3) + 2, "klRefK3");
    assert.deepEqual(inReward.logProbGradients.flat().map(Math.abs), [0, 0]);
  });

  it("says every number of a token whose loss is not finite, though its derivative is: a clipped one has none", () => {
    const one = { ...row, advantages: [Infinity, 0], refLogProbs: [-3, -3] };
    assert.throws(() => evaluateLoss({ kind: "policy-gradient", settings, rows: [one] }, [scores]), {
      message:
        "The loss of token 0 of a response to row 0 is -Infinity, its entropy 1: log-prob -3, " +
        `old ${-3 - ln2}, advantage Infinity.`,
    });
  });

  it("adds sums up, and takes the larger of two largest ratios", () => {
    const sums = { ...emptySums(), tokens: 2, entropy: 1, ratioMax: 3 };
    const both = addSums(sums, { ...emptySums(), tokens: 5, entropy: -4, ratioMax: 2 });
    assert.deepEqual(both, { ...emptySums(), tokens: 7, entropy: -3, ratioMax: 3 });
    assert.equal(addSums(emptySums(), sums).ratioMax, 3);
    assert.ok(Object.values(emptySums()).every((sum) => sum === 0));
  });
});

describe("losses by name", () => {
  it("are refused with those that there are", () => {
    const unknown = { kind: "sft", settings: {}, rows: [] };
    assert.throws(() => evaluateLoss(unknown, []), {
      name: "InputError",
      message: /^There is no loss "sft"; there are policy-gradient, cross-entropy/,
    });
  });

  it("may be one's own, registered again by its own file alone", () => {
    const settled = (loss: number): Parameters<typeof registerLoss>[0] => ({
      kind: "test-settled",
      evaluate: () => ({ loss, logProbGradients: [] }),
    });
    const own: Loss = { kind: "test-settled", settings: {}, rows: [] };
    registerLoss(settled(1), "file:///mine.ts");
    assert.equal(moduleOf(own), "file:///mine.ts");
    assert.equal(evaluateLoss(own, []).loss, 1);
    registerLoss(settled(2), "file:///mine.ts");
    assert.equal(evaluateLoss(own, []).loss, 2);
    assert.throws(() => registerLoss(settled(3), "file:///other.ts"), /a loss "test-settled" already/);
    assert.throws(() => registerLoss(settled(3)), /already/);
    registerLoss({ ...settled(4), kind: "test-unnamed" });
    assert.equal(moduleOf({ ...own, kind: "test-unnamed" }), undefined);
    assert.equal(moduleOf({ ...own, kind: "cross-entropy" }), undefined);
  });
});
