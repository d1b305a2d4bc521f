import { strict as assert } from "node:assert";
import fc from "fast-check";
import { stream } from "../../lib/base/index.js";
import {
  type AdvantageInput,
  advantagesOf,
  deviation,
  discountedReturns,
  estimateAdvantages,
  generalisedAdvantages,
  gigpo,
  type Group,
  mean,
  noPenalty,
  parseAdvantage,
  registerEstimator,
  settingsOf,
  whiten,
} from "../../lib/grpo/index.js";
import { z } from "zod";

function close(actual: readonly number[], expected: readonly number[], tolerance = 5e-7): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) =>
    assert.ok(Math.abs(value - expected[i]!) <= tolerance, `[${i}] ${value} is not ${expected[i]}`),
  );
}

/** Trajectories given as states and rewards, one token a turn. */
function groupOf(
  ...trajectories: readonly (readonly [states: readonly string[], rewards: readonly number[]])[]
): Group {
  return {
    task: "test",
    rollouts: trajectories.map(([states, rewards]) => ({
      turns: states.map((anchor, t) => ({
        promptIds: [1],
        responseIds: [2],
        oldLogProbs: [-1],
        reward: rewards[t]!,
        formatValid: true,
        admissible: true,
        truncated: false,
        anchor,
      })),
      return: rewards.reduce((a, b) => a + b, 0),
      success: false,
      score: 0,
    })),
  };
}

/** Advantages of one group of one-turn roll-outs, by the function that trains. */
function estimated(scores: readonly number[], settings: AdvantageInput): number[] {
  const group = groupOf(...scores.map((score) => [["s"], [score]] as const));
  return advantagesOf([group], parseAdvantage(settings, "x"))[0]!.map(([advantage]) => advantage!);
}
const leaveOneOut = (scores: readonly number[]): number[] => estimated(scores, { estimator: "loo" });
const groupRelative = (
  scores: readonly number[],
  settings: { scale: "none" | "group"; deviation?: "sample" | "population" },
): number[] => estimated(scores, { estimator: "group", ...settings } as AdvantageInput);

describe("group-relative advantages", () => {
  it("agree with the golden values for [10, 0, 0, 10]", () => {
    const scores = [10, 0, 0, 10];
    const signs = [1, -1, -1, 1];
    close(
      groupRelative(scores, { scale: "group" }),
      signs.map((s) => s * 0.866025),
    );
    close(groupRelative(scores, { scale: "group", deviation: "population" }), signs);
    close(
      groupRelative(scores, { scale: "none" }),
      signs.map((s) => s * 5),
    );
    close(
      leaveOneOut(scores),
      signs.map((s) => s * 6.666667),
    );
  });

  it("agree with the golden values for a group of eight", () => {
    const scores = [1, 0, 0, 0.5, 0, 0, 0, 1];
    const scaled = groupRelative(scores, { scale: "group" });
    close([scaled[0]!, scaled[1]!, scaled[3]!], [1.500883, -0.68222, 0.409332], 2e-6);
    const others = leaveOneOut(scores);
    close([others[0]!, others[1]!, others[3]!], [0.785714, -0.357143, 0.214286]);
  });

  const scores = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 2, maxLength: 16 });

  it("sum to zero, ignore a shift of the reward, and with std its scale", () => {
    fc.assert(
      fc.property(scores, fc.double({ min: -5, max: 5, noNaN: true }), (values, shift) => {
        const plain = groupRelative(values, { scale: "none" });
        assert.ok(Math.abs(plain.reduce((a, b) => a + b, 0)) < 1e-9 * values.length * 20);
        close(
          groupRelative(
            values.map((v) => v + shift),
            { scale: "none" },
          ),
          plain,
          1e-9,
        );
        const range = Math.max(...values) - Math.min(...values);
        if (range > 1e-2) {
          const scaled = groupRelative(
            values.map((v) => 3 * v),
            { scale: "group" },
          );
          close(scaled, groupRelative(values, { scale: "group" }), 1e-3);
        }
      }),
    );
  });

  it("RLOO is n/(n−1) times the advantage without std", () => {
    fc.assert(
      fc.property(scores, (values) => {
        const n = values.length;
        close(
          leaveOneOut(values),
          groupRelative(values, { scale: "none" }).map((a) => (a * n) / (n - 1)),
          1e-9,
        );
      }),
    );
  });

  it("do not depend on the order of the roll-outs", () => {
    fc.assert(
      fc.property(scores, fc.nat(), (values, seed) => {
        const order = stream(seed, "order").shuffle(values.map((_, i) => i));
        for (const of of [(v: number[]) => groupRelative(v, { scale: "group" }), leaveOneOut]) {
          const before = of(values);
          close(
            of(order.map((i) => values[i]!)),
            order.map((i) => before[i]!),
            1e-3 * Math.max(1, ...before.map(Math.abs)),
          );
        }
      }),
    );
  });

  it("have the golden mean and deviation", () => {
    const group = [1, 0, 0, 0.5, 0, 0, 0, 1];
    close([mean(group), deviation(group)], [0.3125, 0.458063]);
  });

  it("refuse a group of one and a score that is not a number", () => {
    for (const settings of [{ estimator: "group", scale: "none" }, { estimator: "loo" }] as const)
      assert.throws(() => estimated([1], settings), /group of "test" has 1 roll-out.*at least 2/);
    assert.throws(() => gigpo(groupOf([["a"], [1]])), /at least 2/);
    for (const settings of [
      { estimator: "group", scale: "group" },
      { estimator: "loo" },
      { estimator: "gigpo", scale: "none" },
      { estimator: "reinforce-pp" },
    ] as const)
      for (const bad of [NaN, Infinity])
        assert.throws(() => estimated([1, bad], settings), {
          name: "RunError",
          message: /Roll-out 1 of the task "test" has the return (NaN|Infinity)/,
        });
  });

  it("leave a row's own trajectory out of its baseline, over rows too", () => {
    // Returns 1 (one turn) and 0 (three turns): each is compared with the other alone, so +1 and −1.
    const group = groupOf(
      [["a"], [1]],
      [
        ["a", "b", "c"],
        [0, 0, 0],
      ],
    );
    for (const baselineOver of ["rows", "trajectories"] as const)
      assert.deepEqual(advantagesOf([group], { estimator: "loo", baselineOver }), [[[1], [-1, -1, -1]]]);
    // Three trajectories of 1, 3 and 1 turns: over rows the long one weighs three times.
    const three = groupOf(
      [["a"], [1]],
      [
        ["a", "b", "c"],
        [0, 0, 0.5],
      ],
      [["a"], [0]],
    );
    const [rows] = advantagesOf([three], { estimator: "loo", baselineOver: "rows" });
    close(
      rows!.map((turns) => turns[0]!),
      [1 - 1.5 / 4, 0.5 - 0.5, 0 - 2.5 / 4],
    );
  });

  it("charge a penalty to its own row in full, whatever the baseline's factor", () => {
    const group = groupOf(
      [
        ["a", "b"],
        [0, 1],
      ],
      [["a"], [0]],
    );
    const penalty = ({ responseIds }: { responseIds: readonly number[] }): number =>
      responseIds === group.rollouts[0]!.turns[1]!.responseIds ? 0.25 : 0;
    const [loo] = advantagesOf([group], { estimator: "loo", baselineOver: "trajectories" }, penalty);
    assert.deepEqual(loo, [[1, 0.75], [-1]]);
    const none = { estimator: "group", scale: "none", baselineOver: "trajectories" } as const;
    assert.deepEqual(advantagesOf([group], none, penalty), [[[0.5, 0.25], [-0.5]]]);
    const returns = advantagesOf([group], { estimator: "reinforce-pp", gamma: 0.5 }, penalty);
    assert.deepEqual(returns, [[[0.375, 0.75], [0]]]);
  });
});

describe("REINFORCE++ whitening", () => {
  it("gives values mean 0 and variance 1", () => {
    const white = whiten([1, 2, 2, 2, 5, 5]);
    const average = white.reduce((a, b) => a + b, 0) / 6;
    const variance = white.reduce((a, b) => a + (b - average) ** 2, 0) / 5;
    close([average, variance], [0, 1], 1e-6);
    assert.deepEqual(whiten([3]), [0]);
  });
});

describe("GAE", () => {
  it("agrees with an example worked by hand", () => {
    // γ = 0.9, λ = 0.5: δ = [0 + .9·2 − 1, 0 + .9·3 − 2, 10 − 3] = [.8, .7, 7]
    // A_2 = 7; A_1 = .7 + .45·7 = 3.85; A_0 = .8 + .45·3.85 = 2.5325
    close(generalisedAdvantages([0, 0, 10], [1, 2, 3], { gamma: 0.9, lambda: 0.5 }), [2.5325, 3.85, 7]);
    const by = parseAdvantage({ estimator: "gae", scale: "none", gamma: 0.9, lambda: 0.5 }, "x");
    const group = groupOf([
      ["a", "b", "c"],
      [0, 0, 10],
    ]);
    const given = { penalty: noPenalty, values: [[[1, 2, 3]]] };
    close(estimateAdvantages([group], by, given).advantages[0]![0]!, [2.5325, 3.85, 7]);
    assert.throws(() => advantagesOf([group], by), /needs a critic's value/);
  });
});

describe("GiGPO", () => {
  const group = groupOf(
    [
      ["s0", "s1", "s2"],
      [0, 0, 10],
    ],
    [
      ["s0", "s1", "s3", "s1", "s2"],
      [0, 0, 0, 0, 10],
    ],
    [
      ["s0", "s4"],
      [0, 0],
    ],
  );

  it("discounts returns as in the golden values", () => {
    close(discountedReturns([0, 0, 10], 0.95), [9.025, 9.5, 10]);
    close(discountedReturns([0, 0, 0, 0, 10], 0.95), [8.145062, 8.57375, 9.025, 9.5, 10], 1e-6);
  });

  it("agrees with the golden values without std", () => {
    const { episode, step } = gigpo(group, { scale: "none" });
    close(
      episode.map((row) => row[0]!),
      [3.333333, 3.333333, -6.666667],
    );
    close([step[0]![0]!, step[1]![0]!, step[2]![0]!], [3.301646, 2.421708, -5.723354]);
    close([step[0]![1]!, step[1]![1]!, step[1]![3]!], [0.30875, -0.6175, 0.30875]);
    close([step[0]![2]!, step[1]![4]!, step[1]![2]!, step[2]![1]!], [0, 0, 0, 0]);
  });

  it("agrees with the golden values with std", () => {
    const { episode, step } = gigpo(group, { scale: "group" });
    close(
      episode.map((row) => row[0]!),
      [0.57735, 0.57735, -1.1547],
      2e-6,
    );
    close([step[0]![0]!, step[1]![0]!, step[2]![0]!], [0.663506, 0.486672, -1.150178], 2e-6);
    close([step[0]![1]!, step[1]![1]!, step[1]![3]!], [0.577349, -1.154698, 0.577349], 2e-5);
  });

  it("agrees with the golden values with the baseline over rows", () => {
    close(
      gigpo(group, { scale: "none", baselineOver: "rows" }).episode.map((row) => row[0]!),
      [2, 2, -8],
    );
    const scaled = gigpo(group, { scale: "group", baselineOver: "rows" }).episode.map((row) => row[0]!);
    close(scaled, [0.474342, 0.474342, -1.897366], 2e-6);
  });

  it("is GRPO when no state repeats", () => {
    const distinct = groupOf(
      [
        ["a", "b"],
        [0, 1],
      ],
      [["c"], [0]],
      [
        ["d", "e", "f"],
        [0, 0, 0.5],
      ],
    );
    const { total } = gigpo(distinct);
    const plain = groupRelative([1, 0, 0.5], { scale: "none" });
    total.forEach((row, i) =>
      close(
        row,
        row.map(() => plain[i]!),
      ),
    );
  });

  it("does not depend on the order of the roll-outs", () => {
    const turned: Group = { ...group, rollouts: [2, 0, 1].map((i) => group.rollouts[i]!) };
    const before = gigpo(group, { scale: "group" }).total;
    const after = gigpo(turned, { scale: "group" }).total;
    [2, 0, 1].forEach((i, k) => close(after[k]!, before[i]!, 1e-12));
  });

  it("lets an ill-formed response lose in its own row only", () => {
    const rollouts = group.rollouts.map((r, i) => ({
      ...r,
      turns: r.turns.map((turn, t) => ({ ...turn, formatValid: !(i === 2 && t === 1) })),
    }));
    const { episode, step } = gigpo(
      { ...group, rollouts },
      { penalty: ({ formatValid }) => (formatValid ? 0 : 0.1) },
    );
    close(episode[2]!, [-6.666667, -6.766667]);
    close([step[2]![1]!], [0]);
  });
});

describe("the settings of an estimator", () => {
  const refused: [settings: AdvantageInput | object, message: RegExp][] = [
    [
      { estimator: "gigpo", scale: "group", deviation: "population" },
      /deviation would change nothing with estimator gigpo/,
    ],
    [
      { estimator: "gigpo", scale: "none", epsilon: 1 },
      /epsilon would change nothing with estimator gigpo and scale none/,
    ],
    [
      { estimator: "group", scale: "group", gamma: 0.9 },
      /In x: gamma would change nothing with estimator group and scale group, which knows estimator, baselineOver/,
    ],
    [{ estimator: "group", scale: "none", stepWeight: 2 }, /stepWeight would change nothing/],
    [{ estimator: "group", scale: "batch", epsilon: 1e-3 }, /epsilon would change nothing/],
    [{ estimator: "group" }, /In x, scale/],
    [
      { estimator: "loo", scale: "group" },
      /scale would change nothing with estimator loo \(leave-one-out, unbiased only without/,
    ],
    [
      { estimator: "reinforce-pp", baselineOver: "rows" },
      /baselineOver would change nothing with estimator reinforce-pp/,
    ],
    [{ estimator: "gae", scale: "none" }, /In x, lambda/],
    [{ estimator: "gae", scale: "group", lambda: 1 }, /In x, scale/],
    [{ estimator: "grop" }, /no estimator "grop"; there are group, loo, reinforce-pp, gigpo, gae/],
  ];
  for (const [settings, message] of refused) {
    it(`${JSON.stringify(settings)} are refused with the reason`, () => {
      const named = settings as { estimator: string };
      assert.throws(() => parseAdvantage(named, "x"), { name: "InputError", message });
    });
  }

  it("are completed, and those of a registered estimator are its own", () => {
    assert.deepEqual(parseAdvantage({ estimator: "gigpo", scale: "none" }, "x"), {
      estimator: "gigpo",
      scale: "none",
      baselineOver: "trajectories",
      gamma: 1,
      stepWeight: 1,
    });
    registerEstimator({
      name: "test-constant",
      settings: settingsOf("estimator test-constant", {
        estimator: z.literal("test-constant"),
        value: z.number().default(2),
      }),
      baseline: "batch",
      estimate: (groups, { value }) => ({
        advantages: groups.map(({ rollouts }) => rollouts.map(({ turns }) => turns.map(() => value))),
      }),
    });
    const own = parseAdvantage({ estimator: "test-constant" }, "x");
    assert.deepEqual(
      advantagesOf(
        [
          groupOf([
            ["a", "b"],
            [0, 1],
          ]),
        ],
        own,
      ),
      [[[2, 2]]],
    );
    assert.throws(
      () => parseAdvantage({ estimator: "test-constant", scale: "group" }, "x"),
      /scale would change nothing/,
    );
    const taken = {
      name: "gae",
      settings: z.any(),
      baseline: "batch",
      estimate: () => ({ advantages: [] }),
    } as const;
    assert.throws(() => registerEstimator(taken), /an estimator "gae" already/);
  });
});
