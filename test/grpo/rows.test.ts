import { strict as assert } from "node:assert";
import { emptySums } from "../../lib/objective/index.js";
import {
  anchorMetrics,
  chargeKl,
  type Group,
  type Metrics,
  rolloutMetrics,
  rowsOf,
  updateMetrics,
  warnings,
  whitenRows,
} from "../../lib/grpo/index.js";

/** Two decisions, a query of two tokens and a selection of one, for each return. */
const group = (task: string, returns: readonly number[]): Group => ({
  task,
  rollouts: returns.map((value, i) => ({
    turns: [[[1, 2], [5, 6 + i], 0] as const, [[3, i], [9], value] as const].map(
      ([promptIds, responseIds, reward], t) => ({
        promptIds,
        responseIds,
        oldLogProbs: responseIds.map(() => -1),
        reward,
        formatValid: true,
        admissible: i === 0,
        truncated: t === 0 && i === 1,
        anchor: t === 0 ? "start" : `results ${i}`,
      }),
    ),
    return: value,
    success: value === 1,
    score: value,
  })),
});
const config = {
  objective: { queryBySelection: true },
  groups: { zeroVariance: "mask" },
  reward: { truncated: "mask" },
} as Parameters<typeof rowsOf>[2];

describe("rows", () => {
  const groups = [group("a", [1, 0]), group("b", [0.5, 0.5])];
  const rows = rowsOf(
    groups,
    groups.map((g) => g.rollouts.map((r, i) => r.turns.map(() => i))),
    config,
  );

  it("are one for each turn, the query weighted by its own roll-out's selection", () => {
    assert.equal(rows.length, 8);
    assert.deepEqual(
      rows.map((row) => row.weightedBy),
      [1, undefined, 3, undefined, 5, undefined, 7, undefined],
    );
    assert.deepEqual(
      rows.map((row) => row.rollout),
      [0, 0, 1, 1, 2, 2, 3, 3],
    );
    assert.deepEqual(rows[2]!.advantages, [1, 1]);
  });

  it("do not count when cut short, or in a group of equal returns", () => {
    assert.deepEqual(
      rows.map((row) => row.counted),
      [true, true, false, true, false, false, false, false],
    );
  });

  it("are whitened over the tokens of those that count", () => {
    const white = whitenRows(rows);
    assert.deepEqual(white[2], rows[2]);
    const tokens = white.filter((row) => row.counted).flatMap((row) => row.advantages); // 0, 0, 0 and 1
    assert.ok(Math.abs(tokens.reduce((a, b) => a + b, 0)) < 1e-12);
    assert.ok(Math.abs(tokens.at(-1)! - 1.5) < 1e-6);
  });

  it("pay for the KL of a token and of what follows it", () => {
    const [first] = chargeKl(rows.slice(0, 1), [[-1.5, -0.8]], 0.1);
    // k1 = −1 − ref: 0.5 and −0.2
    assert.ok(Math.abs(first!.advantages[0]! + 0.1 * (0.5 - 0.2)) < 1e-12);
    assert.ok(Math.abs(first!.advantages[1]! - 0.1 * 0.2) < 1e-12);
  });
});

describe("metrics", () => {
  it("of the roll-outs are as defined", () => {
    const metrics = rolloutMetrics([group("a", [1, 0]), group("b", [0.5, 0.5]), group("c", [0.2, 0.6])], 2);
    const expected = {
      "return/mean": 2.8 / 6,
      "return/std": Math.sqrt([1, 0, 0.5, 0.5, 0.2, 0.6].reduce((sum, r) => sum + (r - 2.8 / 6) ** 2, 0) / 5),
      "return/min": 0,
      "return/max": 1,
      success_rate: 1 / 6,
      task_score: 2.8 / 6,
      "steps/mean": 2,
      valid_action_ratio: 1,
      admissible_ratio: 0.5,
      truncated_ratio: 0.25,
      // Of two returns the standard deviation is their difference over √2.
      "group_std/mean": (1 + 0 + 0.4) / Math.SQRT2 / 3,
      frac_zero_std: 1 / 3,
      frac_all_success: 0,
      frac_all_fail: 2 / 3,
      "response_len/mean": 1.5,
      "response_len/min": 1,
      "response_len/max": 2,
      "response_len/clip_ratio": 0.5,
      "prompt_len/mean": 2,
      "prompt_len/max": 2,
    };
    assert.deepEqual(Object.keys(metrics), Object.keys(expected));
    for (const [name, value] of Object.entries(expected))
      assert.ok(Math.abs(metrics[name]! - value) < 1e-12, `${name}: ${metrics[name]}, not ${value}`);
  });

  it("of anchors count every turn once", () => {
    const metrics = anchorMetrics([group("a", [1, 0])]);
    assert.equal(metrics["anchor/mean_size"], 4 / 3);
    assert.equal(metrics["anchor/frac_singleton"], 0.5);
  });

  it("of the update are means over tokens", () => {
    const metrics = updateMetrics(
      { ...emptySums(), tokens: 4, entropy: 2, clipLow: 1, ratioMax: 3 },
      { reference: false },
    );
    assert.deepEqual([metrics["entropy"], metrics["clip/frac"], metrics["ratio/max"]], [0.5, 0.25, 3]);
    assert.ok(!("kl_ref" in metrics));
  });
});

describe("warnings", () => {
  const healthy: Metrics = {
    entropy: 1,
    "ratio/max": 1.3,
    frac_zero_std: 0.3,
    "return/mean": 0.5,
    "return/std": 0.3,
    success_rate: 0.2,
  };
  const run = (length: number, change: (i: number) => Metrics = () => ({})): Metrics[] =>
    Array.from({ length }, (_, i) => ({ ...healthy, ...change(i) }));

  it("are silent while all is well", () => assert.deepEqual(warnings(run(30)), []));
  const cases: [string, Metrics[], RegExp][] = [
    ["an exploding ratio", run(2, () => ({ "ratio/max": 50 })), /importance ratio is 50/],
    [
      "entropy collapse",
      run(12, (i) => ({ entropy: i > 10 ? 0.05 : 1 })),
      /Entropy fell from 1.000 to 0.050/,
    ],
    ["groups without variance", run(3, () => ({ frac_zero_std: 1 })), /every group had equal returns/],
    [
      "return without success",
      run(20, (i) => ({ "return/mean": i < 10 ? 0.3 : 0.7 })),
      /return rises while success does not/,
    ],
  ];
  for (const [name, history, message] of cases) {
    it(`name ${name}`, () => {
      const found = warnings(history);
      assert.equal(found.length, 1);
      assert.match(found[0]!, message);
    });
  }
});
