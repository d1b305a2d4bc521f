import { strict as assert } from "node:assert";
import type { Sequence } from "../../lib/objective/index.js";
import { freshAdapter, Policy, Trainer, type PolicyOptions } from "../../lib/policy/index.js";
import { loadAdapter, loadModel, mergeAdapter, parameterShapes } from "../../lib/model/index.js";
import { useBackend } from "../../lib/tensor/index.js";
import { fixture } from "../fixtures/index.js";
import { curved } from "./curved.js";
import { distance, lora, withPolicy } from "./small.js";

describe("an adapter", () => {
  before(() => useBackend("wasm"));
  const reference = fixture("gqa-tied");
  const base = loadModel(reference.folder);
  const adapter = loadAdapter(reference.adapter, base.config);
  const rows: Sequence[] = [[4, 5, 6], [7]].map((responseIds) => ({ promptIds: [1, 2, 3], responseIds }));

  it("merged into the weights gives the same log-probabilities, and comes out again up to rounding", async () => {
    const scoresOf = async (options: PolicyOptions, of = base): Promise<number[]> => {
      const policy = await Policy.create(of, options);
      const scores = (await policy.logProbs(rows)).flatMap(({ logProbs }) => [...logProbs]);
      await policy.dispose();
      return scores;
    };
    const merged = mergeAdapter(base, adapter);
    assert.ok(distance(await scoresOf({ adapter }), await scoresOf({}, merged)) < 1e-4);
    assert.ok(distance(await scoresOf({}), await scoresOf({}, merged)) > 1e-2);
    const unmerged = mergeAdapter(merged, adapter, -1);
    for (const name of parameterShapes(base.config).keys()) {
      const before = base.weights.get(name)!.data();
      assert.ok(distance(unmerged.weights.get(name)!.data(), before) <= 2 ** -22 * 8, name);
    }
  });

  it("is not needed for a reference of the whole model, if one was kept", async () => {
    const row: Sequence = { promptIds: [1], responseIds: [2] };
    await withPolicy({}, async (policy) => {
      await policy.logProbs([row], { reference: true });
      await new Trainer(policy, { learningRate: 0.1 }).step([row], curved([row]));
      const late = policy.logProbs([row], { reference: true });
      await assert.rejects(late, { name: "InputError", message: /create the policy with a reference/ });
    });
    await withPolicy({ reference: true }, async (policy) => {
      const before = await policy.logProbs([row]);
      await new Trainer(policy, { learningRate: 0.1 }).step([row], curved([row]));
      assert.deepEqual(await policy.logProbs([row], { reference: true }), before);
      assert.notDeepEqual(await policy.logProbs([row]), before);
    });
  });

  it("is left out for the reference: the base model to the bit", async () => {
    const on = await Policy.create(base, { adapter });
    const plain = await Policy.create(base);
    assert.deepEqual(await on.logProbs(rows, { reference: true }), await plain.logProbs(rows));
    await on.dispose();
    await plain.dispose();
  });

  it("that is new changes nothing", async () => {
    const on = await Policy.create(base, {
      adapter: freshAdapter(base.config, { ...lora, targets: ["o_proj"] }, 0),
    });
    assert.deepEqual(await on.logProbs(rows), await on.logProbs(rows, { reference: true }));
    await on.dispose();
  });
});
