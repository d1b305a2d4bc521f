import { strict as assert } from "node:assert";
import type { Sequence } from "../../lib/objective/index.js";
import { Policy, Trainer, type TrainerOptions } from "../../lib/policy/index.js";
import { useBackend } from "../../lib/tensor/index.js";
import { curved } from "./curved.js";
import { model } from "./small.js";

describe("a policy refuses before any work", () => {
  let policy: Policy;
  before(async () => {
    await useBackend("wasm");
    policy = await Policy.create(model);
  });
  after(() => policy.dispose());

  const row = (promptIds: number[], responseIds: number[], more: object = {}): Sequence => ({
    promptIds,
    responseIds,
    ...more,
  });
  const cases: [string, readonly Sequence[], RegExp][] = [
    ["nothing to score", [], /no rows/],
    ["an empty prompt", [row([], [1])], /Row 0 has an empty prompt/],
    ["an empty response", [row([1], [1]), row([1], [])], /Row 1 has an empty response/],
    ["an id outside the vocabulary", [row([50], [1])], /token id 50/],
    ["a fractional id", [row([1], [1.5])], /token id 1.5/],
    ["a row that is too long", [row(new Array<number>(60).fill(1), [1, 1, 1, 1, 1])], /64 positions/],
    [
      "a shared beginning that is longer than the prompt",
      [row([1], [1], { sharedTokens: 2 })],
      /its first 2 tokens/,
    ],
  ];
  for (const [what, rows, message] of cases) {
    it(what, async () => {
      await assert.rejects(policy.logProbs(rows), { name: "InputError", message });
      await assert.rejects(policy.gradients(rows, curved(rows)), { name: "InputError", message });
    });
  }

  it("a loss of other rows, and one that nobody knows", async () => {
    const rows = [row([1], [2])];
    await assert.rejects(policy.gradients(rows, curved([])), /0 rows for 1 sequences/);
    const unknown = { kind: "crossed-entropy", settings: {}, rows: [{}] };
    await assert.rejects(policy.gradients(rows, unknown), {
      name: "InputError",
      message: /no loss "crossed-entropy"; there are policy-gradient, cross-entropy/,
    });
  });

  it("settings that make no sense", async () => {
    const refusals: [TrainerOptions, RegExp][] = [
      [{ learningRate: -1 }, /learning rate/],
      [{ learningRate: 1, betas: [1, 0.9] }, /betas/],
      [{ learningRate: 1, maxGradNorm: 0 }, /norm/],
      [{ learningRate: 1, schedule: { kind: "cosine" } }, /number of steps/],
      [{ learningRate: 1, schedule: { kind: "linear", warmUp: 5, steps: 5 } }, /number of steps/],
    ];
    for (const [options, message] of refusals) {
      assert.throws(() => new Trainer(policy, options), { name: "InputError", message });
    }
    await assert.rejects(Policy.create(model, { train: "adapter" }), /no adapter to train/);
    await assert.rejects(Policy.create(model, { workers: 1.5 }), /number of workers/);
  });
});
