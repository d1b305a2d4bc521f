/** Estimators at the edges of their input: one turn, equal returns, two tokens, a missing anchor. */
import { strict as assert } from "node:assert";
import {
  type AdvantageInput,
  type AdvantageSettings,
  advantagesOf,
  anchorGroups,
  anchorMetrics,
  deviation,
  estimateAdvantages,
  generalisedAdvantages,
  gigpo,
  type Group,
  hasZeroVariance,
  isConstant,
  mean,
  noPenalty,
  parseAdvantage,
  rowDeviation,
  type Turn,
  whiten,
  whitens,
} from "../../lib/grpo/index.js";

const turn = (reward: number, anchor?: string): Turn => ({
  promptIds: [1],
  responseIds: [2],
  oldLogProbs: [-1],
  reward,
  formatValid: true,
  admissible: true,
  truncated: false,
  ...(anchor === undefined ? {} : { anchor }),
});
const groupOf = (...rollouts: readonly (readonly Turn[])[]): Group => ({
  task: "a task",
  rollouts: rollouts.map((turns) => ({
    turns,
    return: turns.reduce((sum, { reward }) => sum + reward, 0),
    success: false,
    score: 0,
  })),
});
const near = (actual: number, expected: number): void =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);
const settings = (input: AdvantageInput): AdvantageSettings => parseAdvantage(input, "x");

describe("statistics of a group", () => {
  it("of nothing and of one value", () => {
    assert.throws(() => mean([]), { name: "RangeError", message: "The mean of no values is not defined." });
    assert.equal(deviation([3]), 0);
    assert.equal(deviation([]), 0);
    assert.equal(deviation([3], "population"), 0);
    near(deviation([1, 3]), Math.SQRT2);
    near(deviation([1, 3], "population"), 1);
  });

  it("take values for equal up to a rounding error, that bound included", () => {
    assert.ok(isConstant([0, 1e-6]));
    assert.ok(!isConstant([0, 2e-6]));
    assert.ok(isConstant([5, 7], 2));
    assert.ok(hasZeroVariance(groupOf([turn(1)], [turn(1)])));
    assert.ok(!hasZeroVariance(groupOf([turn(1)], [turn(0)])));
  });

  it("divide by the rows where the baseline is constant", () => {
    near(rowDeviation([1, 3], [0, 10]), Math.SQRT2);
    near(rowDeviation([2, 2], [1, 3]), Math.SQRT2);
    near(rowDeviation([2, 2], [1, 3], "population"), 1);
  });
});

describe("whitening", () => {
  it("divides by √(variance + 1e-8), with n − 1", () => {
    const [low, high] = whiten([1, 3]);
    near(high!, 1 / Math.sqrt(2 + 1e-8));
    near(low!, -high!);
    // Where the values are all but equal the constant decides.
    near(whiten([0, 2e-4])[1]!, 1e-4 / Math.sqrt(2e-8 + 1e-8));
    assert.deepEqual(whiten([]), []);
  });

  it("is asked for by the scale batch, and always by REINFORCE++", () => {
    const asked: [AdvantageInput, boolean][] = [
      [{ estimator: "group", scale: "none" }, false],
      [{ estimator: "group", scale: "group" }, false],
      [{ estimator: "group", scale: "batch" }, true],
      [{ estimator: "loo" }, false],
      [{ estimator: "gigpo", scale: "none" }, false],
      [{ estimator: "gae", scale: "none", lambda: 1 }, false],
      [{ estimator: "gae", scale: "batch", lambda: 1 }, true],
      [{ estimator: "reinforce-pp" }, true],
    ];
    for (const [input, expected] of asked)
      assert.equal(whitens(settings(input)), expected, JSON.stringify(input));
  });
});

describe("GAE over turns", () => {
  const gae = settings({ estimator: "gae", scale: "none", gamma: 1, lambda: 1 });

  it("takes a penalty from its own turn's reward", () => {
    const group = groupOf([turn(1), turn(2)]);
    const penalty = ({ responseIds }: Pick<Turn, "responseIds">): number =>
      responseIds === group.rollouts[0]!.turns[1]!.responseIds ? 0.5 : 0;
    const { advantages } = estimateAdvantages([group], gae, { penalty, values: [[[0, 0]]] });
    assert.deepEqual(advantages, [[[2.5, 1.5]]]);
  });

  it("refuses values that are not one for each turn", () => {
    assert.throws(() => generalisedAdvantages([1, 2], [0], { gamma: 1, lambda: 1 }), {
      name: "RangeError",
      message: "GAE needs one value for each reward: 1 values for 2 rewards.",
    });
  });
});

describe("anchors", () => {
  const group = groupOf([turn(0, "a"), turn(1, "b")], [turn(0, "a")], [turn(0, "a"), turn(0, "c")]);

  it("are needed on every turn", () => {
    assert.throws(() => anchorGroups(groupOf([turn(0, "a"), turn(1)])), {
      name: "InputError",
      message: "Turn 1 of roll-out 0 has no anchor: GiGPO needs the state of every decision.",
    });
  });

  it("are counted by size", () => {
    assert.deepEqual(
      [...anchorGroups(group)],
      [
        [
          "a",
          [
            [0, 0],
            [1, 0],
            [2, 0],
          ],
        ],
        ["b", [[0, 1]]],
        ["c", [[2, 1]]],
      ],
    );
    assert.deepEqual(anchorMetrics([group]), {
      "anchor/mean_size": 5 / 3,
      "anchor/max_size": 3,
      "anchor/frac_singleton": 2 / 5,
    });
  });
});

describe("GiGPO's two levels", () => {
  // Returns 1, 0 and 0; the state "a" is met three times with the step returns 1, 0 and 0.
  const group = groupOf([turn(0, "a"), turn(1, "b")], [turn(0, "a")], [turn(0, "a"), turn(0, "c")]);
  const own = (more: object): AdvantageSettings =>
    settings({ estimator: "gigpo", scale: "none", ...more } as AdvantageInput);
  const given = { penalty: noPenalty };

  it("are weighed against each other in the metrics", () => {
    const { metrics } = estimateAdvantages([group], own({ stepWeight: 3 }), given);
    // |A^E| is 2/3 twice and 1/3 three times; |A^S| is 2/3, 1/3 and 1/3 at "a", and 0 twice.
    const [episode, step] = [(2 * (2 / 3) + 3 * (1 / 3)) / 5, (3 * (2 / 3 + 1 / 3 + 1 / 3)) / 5];
    near(metrics!["adv_episode/abs_mean"]!, episode);
    near(metrics!["adv_step/abs_mean"]!, step);
    near(metrics!["adv_step/share"]!, step / (episode + step));
    assert.equal(metrics!["anchor/max_size"], 3);
  });

  it("are 0 of nothing where all returns are equal", () => {
    const equal = groupOf([turn(0, "a")], [turn(0, "a")]);
    const { metrics } = estimateAdvantages([equal], own({}), given);
    assert.equal(metrics!["adv_step/share"], 0);
  });

  it("join states that are alike where the settings say so", () => {
    const alike = groupOf([turn(1, "results, page 1")], [turn(0, "results, page 2")]);
    const of = (more: object): unknown => advantagesOf([alike], own(more))[0];
    assert.deepEqual(of({}), [[0.5], [-0.5]]);
    assert.deepEqual(of({ similarity: 0.9 }), [[1], [-1]]);
    assert.equal(estimateAdvantages([alike], own({ similarity: 0.9 }), given).metrics!["anchor/max_size"], 2);
  });

  it("are divided by the deviation plus ε, each level by its own", () => {
    const { episode, step } = gigpo(group, { scale: "group", epsilon: 1, gamma: 1 });
    const divisor = Math.sqrt(1 / 3) + 1;
    near(episode[0]![0]!, 2 / 3 / divisor);
    near(step[0]![0]!, 2 / 3 / divisor);
    assert.deepEqual(step[0]![1], 0);
  });
});

describe("a return that is not finite", () => {
  it("is told with every reward of its roll-out", () => {
    const bad = groupOf([turn(1, "a"), turn(NaN, "a")], [turn(0, "a")]);
    assert.throws(() => advantagesOf([bad], settings({ estimator: "loo" })), {
      name: "RunError",
      message:
        'Roll-out 0 of the task "a task" has the return NaN and the rewards 1, NaN: ' +
        "an advantage needs finite ones. No weight was changed.",
    });
  });
});
