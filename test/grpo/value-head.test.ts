import { strict as assert } from "node:assert";
import fc from "fast-check";
import { stream } from "../../lib/base/index.js";
import {
  criticAdvantages,
  generalisedAdvantages,
  type Group,
  type Learner,
  ValueHead,
  valueLoss,
} from "../../lib/grpo/index.js";

function near(actual: number, expected: number, tolerance = 1e-9): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

describe("the value loss", () => {
  it("is the larger of the free and the bounded one", () => {
    // V 3, R 1, old 2, c 0.5: free ½·2² = 2, bounded ½·1.5² = 1.125
    assert.deepEqual(valueLoss(3, 2, 1, 0.5), { loss: 2, gradient: 2 });
    // V 1.5, R 1, old 3: bounded to 2.5 is worse, and no longer moves with V
    assert.deepEqual(valueLoss(1.5, 3, 1, 0.5), { loss: 1.125, gradient: 0 });
    assert.deepEqual(valueLoss(1.5, 3, 1, null), { loss: 0.125, gradient: 0.5 });
  });

  it("has the derivative that finite differences find", () => {
    const number = fc.double({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(number, number, number, (value, old, target) => {
        if ([old - 0.5, old + 0.5].some((kink) => Math.abs(value - kink) < 1e-4)) return;
        const h = 1e-6;
        const at = (v: number): number => valueLoss(v, old, target, 0.5).loss;
        const { gradient } = valueLoss(value, old, target, 0.5);
        const held = Math.min(old + 0.5, Math.max(old - 0.5, value)) - target;
        if (Math.abs((value - target) ** 2 - held ** 2) < 1e-4 && held !== value - target) return; // where the two meet
        near(gradient, (at(value + h) - at(value - h)) / (2 * h), 1e-5);
      }),
    );
  });
});

describe("the critic", () => {
  const random = stream(0, "states");
  const states = Array.from({ length: 60 }, () => Array.from({ length: 4 }, () => random.next() - 0.5));
  const targets = states.map(([a, b, c]) => 2 * a! - b! + 0.5 * c! + 0.3);

  it("has the gradient that finite differences find", () => {
    const at = (weights: number[]): ValueHead =>
      ValueHead.from({ weights, first: weights.map(() => 0), second: weights.map(() => 0), steps: 0 });
    const weights = [0.3, -0.2, 0.1, 0.4, -0.1];
    const old = states.map(() => 0.2);
    for (const clip of [null, 0.05]) {
      const { gradient } = at(weights).gradient(states, old, targets, clip);
      weights.forEach((_, k) => {
        const moved = (by: number): number =>
          at(weights.map((w, j) => (j === k ? w + by : w))).gradient(states, old, targets, clip).loss;
        near(gradient[k]!, (moved(1e-6) - moved(-1e-6)) / 2e-6, 1e-6);
      });
    }
  });

  it("learns what is linear, and goes on from its state to the same bits", () => {
    const head = ValueHead.fresh(4);
    const options = { learningRate: 0.05, epochs: 100, clip: null };
    const first = head.learn(states, targets, options);
    const copy = ValueHead.from(JSON.parse(JSON.stringify(head.state)) as ValueHead["state"]);
    const later = head.learn(states, targets, options);
    assert.ok(first > 0.1 && later < first / 100, `${first}, ${later}`);
    assert.equal(copy.learn(states, targets, options), later);
    assert.deepEqual(copy.state, head.state);
    assert.throws(() => ValueHead.from({ ...head.state, first: [1] }), /not the state of a value head/);
  });

  const turn = (promptIds: number[], reward: number): Group["rollouts"][number]["turns"][number] => ({
    promptIds,
    responseIds: [9],
    oldLogProbs: [-1],
    reward,
    formatValid: true,
    admissible: true,
    truncated: false,
  });

  it("gives the decisions of each roll-out the advantages of GAE over its values", async () => {
    const group: Group = {
      task: "t",
      rollouts: [
        { turns: [turn([1], 0), turn([2], 1)], return: 1, success: true, score: 1 },
        { turns: [turn([1], 0)], return: 0, success: false, score: 0 },
      ],
    };
    // A state is its prompt's only id; the head values it at half of that.
    const learner: Learner = {
      logProbs: () => Promise.reject(new Error("not asked for")),
      step: () => Promise.reject(new Error("not asked for")),
      states: (rows) => Promise.resolve(rows.map(({ promptIds }) => [promptIds[0]!])),
    };
    const head = ValueHead.from({ weights: [0.5, 0], first: [0, 0], second: [0, 0], steps: 0 });
    const config = {
      advantage: { estimator: "gae", gamma: 0.9, lambda: 0.5 },
      value: { learningRate: 0.01, epochs: 1, clip: null },
    } as Parameters<typeof criticAdvantages>[3];
    const { advantages, metrics } = await criticAdvantages([group], head, learner, config);
    const by = { gamma: 0.9, lambda: 0.5 };
    assert.deepEqual(advantages, [
      [generalisedAdvantages([0, 1], [0.5, 1], by), generalisedAdvantages([0], [0.5], by)],
    ]);
    // δ = [0.9·1 − 0.5, 1 − 1] = [0.4, 0]; A = [0.4, 0]; the other roll-out: −0.5
    near(advantages[0]![0]![0]!, 0.4);
    assert.deepEqual(advantages[0]![1], [-0.5]);
    assert.ok(metrics["explained_variance"]! <= 1 && metrics["loss/value"]! > 0);
  });
});
