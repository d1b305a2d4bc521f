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
    // V 5, R 6, old 2: bounded to 2.5 from above
    assert.deepEqual(valueLoss(5, 2, 6, 0.5), { loss: 6.125, gradient: 0 });
    // V 3, R 1, old 4.5: free ½·2², bounded to 4 ½·3²
    assert.deepEqual(valueLoss(3, 4.5, 1, 0.5), { loss: 4.5, gradient: 0 });
    // V 3, R 2.5, old 1, c 1: both are ½·½², and the free one has the derivative
    assert.deepEqual(valueLoss(3, 1, 2.5, 1), { loss: 0.125, gradient: 0.5 });
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

  it("takes the steps of Adam as its paper writes them", () => {
    const [few, wanted] = [states.slice(0, 5), targets.slice(0, 5)];
    const head = ValueHead.fresh(4);
    const first = head.learn(few, wanted, { learningRate: 0.05, epochs: 3, clip: null });
    // Kingma & Ba 2015, algorithm 1, on the mean of ½ (w·h + b − R)².
    const w = [0, 0, 0, 0, 0];
    const [m, v] = [w.map(() => 0), w.map(() => 0)];
    let loss = NaN;
    for (let step = 1; step <= 3; step++) {
      const missed = few.map((h, i) => [...h, 1].reduce((sum, x, k) => sum + x * w[k]!, 0) - wanted[i]!);
      if (step === 1) loss = missed.reduce((sum, miss) => sum + miss ** 2 / 2, 0) / few.length;
      w.forEach((_, k) => {
        const g = missed.reduce((sum, miss, i) => sum + miss * [...few[i]!, 1][k]!, 0) / few.length;
        m[k] = 0.9 * m[k]! + 0.1 * g;
        v[k] = 0.999 * v[k]! + 0.001 * g ** 2;
        w[k]! -= (0.05 * (m[k]! / (1 - 0.9 ** step))) / (Math.sqrt(v[k]! / (1 - 0.999 ** step)) + 1e-8);
      });
    }
    near(first, loss);
    assert.equal(head.state.steps, 3);
    head.state.weights.forEach((weight, k) => near(weight, w[k]!, 1e-12));
    head.state.second.forEach((moment, k) => near(moment, v[k]!, 1e-12));
    // Where the gradient is no larger than ε, ε is what it is divided by.
    const tiny = ValueHead.fresh(1);
    tiny.learn([[0]], [1e-8], { learningRate: 0.05, epochs: 1, clip: null });
    near(tiny.state.weights[1]!, 0.025);
  });

  it("refuses states of another width", () => {
    assert.throws(() => ValueHead.fresh(4).values([[1, 2, 3]]), {
      name: "RangeError",
      message: "A state has 3 numbers, not 4.",
    });
  });

  it("needs a learner that has states, and settings", async () => {
    const none = { logProbs: () => Promise.resolve([]), step: () => Promise.reject(new Error()) } as Learner;
    const config = { advantage: { estimator: "gae" }, value: { learningRate: 1, epochs: 1, clip: null } };
    await assert.rejects(
      criticAdvantages([], ValueHead.fresh(1), none, config as Parameters<typeof criticAdvantages>[3]),
      { name: "RunError", message: "This learner has no states for a critic to read." },
    );
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
