import { strict as assert } from "node:assert";
import { Policy, Trainer, type Row, type TrainerOptions } from "../../lib/policy/index.js";
import { useBackend } from "../../lib/tensor/index.js";
import { curved, model } from "./small.js";

describe("a policy refuses before any work", () => {
  let policy: Policy;
  before(async () => {
    await useBackend("wasm");
    policy = await Policy.create(model);
  });
  after(() => policy.dispose());

  const cases: [string, readonly Row[], RegExp][] = [
    ["nothing to score", [], /no rows/],
    ["an empty prompt", [{ prompt: [], completions: [{ ids: [1] }] }], /Row 0 has an empty prompt/],
    ["no completion", [{ prompt: [1], completions: [] }], /Row 0 has no completions/],
    [
      "an empty completion",
      [{ prompt: [1], completions: [{ ids: [1] }, { ids: [] }] }],
      /Completion 1 of row 0 is empty/,
    ],
    ["an id outside the vocabulary", [{ prompt: [50], completions: [{ ids: [1] }] }], /token id 50/],
    ["a fractional id", [{ prompt: [1], completions: [{ ids: [1.5] }] }], /token id 1.5/],
    [
      "a row that is too long",
      [{ prompt: new Array<number>(60).fill(1), completions: [{ ids: [1, 1, 1, 1, 1] }] }],
      /64 positions/,
    ],
  ];
  for (const [what, rows, message] of cases) {
    it(what, async () => {
      await assert.rejects(policy.logProbs(rows), { name: "InputError", message });
      await assert.rejects(policy.gradients(rows, curved), { name: "InputError", message });
    });
  }

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
