import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { type DecisionTurn, registerReward, rewardFrom, rewardNames } from "../../lib/rewards/index.js";

const plain = { kind: "partial", scale: 1, invalidPenalty: 0 } as const;

function turnOf(length: number, formatValid = true): DecisionTurn {
  return { formatValid, admissible: true, truncated: false, responseIds: new Array<number>(length).fill(0) };
}

describe("rewards", () => {
  it("are the shop's score, or 1 for a perfect purchase, times the scale", () => {
    assert.equal(rewardFrom(plain, 12).ofOutcome({ score: 0.5 }), 0.5);
    assert.equal(rewardFrom({ ...plain, scale: 10 }, 12).ofOutcome({ score: 0.5 }), 5);
    const success = rewardFrom({ ...plain, kind: "success", scale: 10 }, 12);
    assert.deepEqual(
      [0.999, 1].map((score) => success.ofOutcome({ score })),
      [0, 10],
    );
  });

  it("fall over DAPO's buffer, and add up with a broken form", () => {
    const reward = rewardFrom({ ...plain, invalidPenalty: 0.1, overlong: { buffer: 4, factor: 0.5 } }, 12);
    assert.deepEqual(
      [7, 8, 10, 12].map((length) => reward.penalty(turnOf(length))),
      [0, 0, 0.25, 0.5],
    );
    assert.equal(reward.penalty(turnOf(12, false)), 0.6);
    assert.equal(reward.penalty(turnOf(3, false)), 0.1);
  });

  it("are logged term by term, and the terms add up to what is trained on", () => {
    const turn = fc.record({ length: fc.integer({ min: 1, max: 12 }), valid: fc.boolean() });
    const episode = fc.record({
      score: fc.double({ min: 0, max: 1, noNaN: true }),
      turns: fc.array(turn, { minLength: 1 }),
    });
    fc.assert(
      fc.property(fc.array(episode, { minLength: 1, maxLength: 5 }), (drawn) => {
        const settings = { ...plain, invalidPenalty: 0.1, overlong: { buffer: 4, factor: 0.5 } };
        const reward = rewardFrom({ ...settings, terms: { success: { weight: 2 } } }, 12);
        const episodes = drawn.map(({ score, turns }) => ({
          score,
          turns: turns.map(({ length, valid }) => turnOf(length, valid)),
        }));
        const metrics = reward.metrics(episodes);
        const names = ["reward/score", "reward/format", "reward/length", "reward/success"];
        assert.deepEqual(Object.keys(metrics), names);
        const logged = Object.values(metrics).reduce((a, b) => a + b, 0);
        const trained = episodes.map(
          ({ score, turns }) =>
            reward.ofOutcome({ score }) - turns.reduce((sum, one) => sum + reward.penalty(one), 0),
        );
        const mean = trained.reduce((a, b) => a + b, 0) / trained.length;
        assert.ok(Math.abs(logged - mean) < 1e-9, `${logged} and ${mean}`);
      }),
    );
  });

  it("take a term of one's own by its name, with its settings checked", () => {
    registerReward({
      name: "brief",
      of: "decision",
      settings: z.strictObject({ bonus: z.number() }),
      value: ({ tokens }, { bonus }) => (tokens <= 3 ? bonus : 0),
    });
    assert.ok(rewardNames().includes("brief"));
    const reward = rewardFrom({ ...plain, terms: { brief: { bonus: 0.25 } } }, 12);
    assert.equal(reward.penalty(turnOf(3)), -0.25);
    assert.equal(reward.penalty(turnOf(4)), 0);
    assert.throws(() => rewardFrom({ ...plain, terms: { brief: { bonus: 1, x: 1 } } }, 12), {
      name: "InputError",
    });
    assert.throws(() => registerReward({ ...twin, name: "brief" }), /There is a reward term "brief" already/);
  });

  it("refuse a term that is not known or is given twice", () => {
    assert.throws(
      () => rewardFrom({ ...plain, terms: { sucess: {} } }, 12),
      /no reward term "sucess"; there are score,/,
    );
    assert.throws(() => rewardFrom({ ...plain, terms: { score: {} } }, 12), /"score" is given twice/);
  });
});

const twin = { of: "outcome", settings: z.strictObject({}), value: () => 0 } as const;
