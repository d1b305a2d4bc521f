import { strict as assert } from "node:assert";
import { emptySums } from "../../lib/objective/index.js";
import {
  anchorMetrics,
  chargeKl,
  type Group,
  type Metrics,
  type Row,
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
  const advantages = groups.map((g) => g.rollouts.map((r, i) => r.turns.map(() => i)));
  let rows: Row[];
  beforeEach(() => (rows = rowsOf(groups, advantages, config)));

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

  it("give an advantage to the tokens that were sampled alone, where others were given", () => {
    const [only] = rowsOf(
      [
        {
          task: "a",
          rollouts: groups[0]!.rollouts.slice(0, 1).map((rollout) => ({
            ...rollout,
            turns: [
              {
                ...rollout.turns[0]!,
                responseIds: [7, 8, 9],
                scored: [true, false, true],
                oldLogProbs: [-1, -2],
              },
            ],
          })),
        },
      ],
      [[[3]]],
      config,
    );
    assert.deepEqual(
      [only!.advantages, only!.scored, only!.responseIds],
      [
        [3, 3],
        [true, false, true],
        [7, 8, 9],
      ],
    );
  });

  it("do not count when cut short, or in a group of equal returns", () => {
    assert.deepEqual(
      rows.map((row) => row.counted),
      [true, true, false, true, false, false, false, false],
    );
  });

  it("count where the settings keep cut responses or equal groups, and are weighted only where they say so", () => {
    const by = (changes: object): Row[] =>
      rowsOf(groups, advantages, { ...config, ...changes } as Parameters<typeof rowsOf>[2]);
    const counted = (changes: object): boolean[] => by(changes).map((row) => row.counted);
    const first = [true, true, false, true];
    assert.deepEqual(counted({ groups: { zeroVariance: "keep" } }), [...first, true, true, false, true]);
    assert.deepEqual(counted({ groups: { zeroVariance: "resample" } }), [
      ...first,
      ...first.map(() => false),
    ]);
    assert.deepEqual(counted({ reward: { truncated: "count" } }), [
      ...first.map(() => true),
      ...first.map(() => false),
    ]);
    assert.ok(by({ objective: { queryBySelection: false } }).every((row) => !("weightedBy" in row)));
  });

  it("keep what a turn says of its prompt, and name their group and task", () => {
    const turns = groups[0]!.rollouts[0]!.turns.map((turn, t) =>
      t === 0 ? { ...turn, sharedTokens: 2 } : turn,
    );
    const shared: Group = { task: "c", rollouts: [{ ...groups[0]!.rollouts[0]!, turns }] };
    const [first, second] = rowsOf([shared], [[[3, 4]]], config);
    assert.deepEqual(first, {
      promptIds: [1, 2],
      responseIds: [5, 6],
      oldLogProbs: [-1, -1],
      advantages: [3, 3],
      counted: false,
      group: 0,
      rollout: 0,
      task: "c",
      sharedTokens: 2,
      weightedBy: 1,
    });
    assert.ok(!("sharedTokens" in second!));
    assert.deepEqual(
      rows.map(({ group: of, task }) => `${of} ${task}`),
      ["0 a", "0 a", "0 a", "0 a", "1 b", "1 b", "1 b", "1 b"],
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

  it("of the roll-outs tell good from bad, long from short, and are 0 of nothing", () => {
    const [one] = group("a", [1]).rollouts;
    const turns = one!.turns.map((turn, t) => ({
      ...turn,
      formatValid: t === 0,
      promptIds: turn.promptIds.slice(0, t + 1),
      responseIds: [5, 6, 7].slice(0, 1 + 2 * t),
    }));
    const good: Group = { task: "a", rollouts: [{ ...one!, turns }, one!] };
    const metrics = rolloutMetrics([good, group("b", [0, 0])], 3);
    assert.equal(metrics["valid_action_ratio"], 7 / 8);
    assert.equal(metrics["frac_all_success"], 0.5);
    assert.equal(metrics["frac_all_fail"], 0.5);
    assert.equal(metrics["response_len/clip_ratio"], 1 / 8);
    assert.equal(metrics["prompt_len/max"], 2);
    const acts = rolloutMetrics([{ task: "c", rollouts: [{ ...one!, turns: [turns[0]!] }] }], 9);
    assert.deepEqual([acts["prompt_len/mean"], acts["prompt_len/max"], acts["response_len/max"]], [1, 1, 1]);
    const idle: Group = {
      task: "d",
      rollouts: [
        { ...one!, turns: [] },
        { ...one!, turns: [turns[0]!] },
      ],
    };
    assert.equal(rolloutMetrics([idle], 9)["steps/mean"], 0.5);
  });

  it("of anchors count every turn once", () => {
    const metrics = anchorMetrics([group("a", [1, 0])]);
    assert.equal(metrics["anchor/mean_size"], 4 / 3);
    assert.equal(metrics["anchor/frac_singleton"], 0.5);
  });

  it("of the update are means over tokens", () => {
    const sums = {
      tokens: 4,
      policyLoss: 8,
      klLoss: 12,
      klOldK1: 16,
      klOldK3: 20,
      klRefK3: 24,
      entropy: 2,
      ratio: 28,
      ratioMax: 3,
      clipLow: 1,
      clipHigh: 2,
      clipDual: 0.5,
    };
    const plain = {
      "loss/policy": 2,
      entropy: 0.5,
      "kl_old/k1": 4,
      "kl_old/k3": 5,
      "clip/low": 0.25,
      "clip/high": 0.5,
      "clip/dual": 0.125,
      "clip/frac": 0.875,
      "ratio/mean": 7,
      "ratio/max": 3,
    };
    assert.deepEqual(updateMetrics(sums, { reference: false }), plain);
    assert.deepEqual(updateMetrics(sums, { reference: true }), { ...plain, "loss/kl": 3, kl_ref: 6 });
    assert.equal(updateMetrics(emptySums(), { reference: false })["entropy"], 0);
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
  const cases: [string, Metrics[], string][] = [
    [
      "an exploding ratio",
      run(2, () => ({ "ratio/max": 50 })),
      "The largest importance ratio is 50.0: the policy has left its roll-outs behind; " +
        "lower the learning rate or take fewer steps on one set.",
    ],
    [
      "entropy collapse",
      run(12, (i) => ({ entropy: i > 10 ? 0.15 : 2 })),
      "Entropy fell from 2.000 to 0.150 nats a token: the policy hardly explores any more; " +
        "raise the temperature, the entropy bonus or the KL term.",
    ],
    [
      "entropy collapse as early as in the tenth iteration",
      run(10, (i) => ({ entropy: i === 9 ? 0.01 : 1 })),
      "Entropy fell from 1.000 to 0.010 nats a token: the policy hardly explores any more; " +
        "raise the temperature, the entropy bonus or the KL term.",
    ],
    [
      "groups without variance, though they had some before",
      run(8, (i) => ({ frac_zero_std: i > 4 ? 1 : 0 })),
      "In the last three iterations every group had equal returns: nothing is learnt; " +
        "choose harder or easier goals, larger groups, or a partial reward.",
    ],
    [
      "return without success",
      run(20, (i) => ({ "return/mean": i < 10 ? 0.3 : 0.7 })),
      "The return rises while success does not: the policy collects partial credit; look at its purchases, " +
        "or reward success only.",
    ],
    [
      "return without success after a better beginning",
      run(40, (i) => ({
        "return/mean": i < 20 ? 0.9 : i < 30 ? 0.3 : 0.7,
        success_rate: i < 30 ? 0.3 : 0.2,
      })),
      "The return rises while success does not: the policy collects partial credit; look at its purchases, " +
        "or reward success only.",
    ],
  ];
  for (const [name, history, message] of cases) {
    it(`name ${name}`, () => assert.deepEqual(warnings(history), [message]));
  }

  const silent: [string, Metrics[]][] = [
    ["there is nothing yet", []],
    ["the ratio is just at its bound", run(2, () => ({ "ratio/max": 20 }))],
    ["entropy falls in the first iterations", run(9, (i) => ({ entropy: i > 7 ? 0.05 : 1 }))],
    ["entropy is a tenth", run(12, (i) => ({ entropy: i > 10 ? 0.1 : 1 }))],
    ["two iterations had equal returns", run(2, () => ({ frac_zero_std: 1 }))],
    ["one of three had none", run(5, (i) => ({ frac_zero_std: i === 3 ? 0.5 : 1 }))],
    [
      "success rises with the return",
      run(20, (i) => ({ "return/mean": i < 10 ? 0.3 : 0.7, success_rate: i < 10 ? 0.2 : 0.3 })),
    ],
    [
      "the return rises by its margin alone",
      run(20, (i) => ({ "return/mean": i < 10 ? 0 : 1, "return/std": Math.sqrt(10) })),
    ],
    ["nineteen iterations are too few for a trend", run(19, (i) => ({ "return/mean": i < 9 ? 0.3 : 0.7 }))],
  ];
  for (const [name, history] of silent) {
    it(`are silent where ${name}`, () => assert.deepEqual(warnings(history), []));
  }

  it("come most urgent first", () => {
    const found = warnings(run(3, () => ({ frac_zero_std: 1, "ratio/max": 21 })));
    assert.deepEqual(
      found.map((text) => text.split(" ")[0]),
      ["The", "In"],
    );
  });
});
