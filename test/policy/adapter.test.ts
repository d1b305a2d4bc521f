import { strict as assert } from "node:assert";
import { freshAdapter, Policy, Trainer, type PolicyOptions, type Row } from "../../lib/policy/index.js";
import { loadAdapter, loadModel, mergeAdapter, parameterShapes } from "../../lib/model/index.js";
import { useBackend } from "../../lib/tensor/index.js";
import { fixture } from "../fixtures/index.js";
import { apart, curved, lora, withPolicy } from "./small.js";

describe("an adapter", () => {
  before(() => useBackend("wasm"));
  const reference = fixture("gqa-tied");
  const base = loadModel(reference.folder);
  const adapter = loadAdapter(reference.adapter, base.config);
  const rows: Row[] = [{ prompt: [1, 2, 3], completions: [{ ids: [4, 5, 6] }, { ids: [7] }] }];

  it("merged into the weights gives the same log-probabilities, and comes out again up to rounding", async () => {
    const scoresOf = async (options: PolicyOptions, of = base): Promise<number[]> => {
      const policy = await Policy.create(of, options);
      const scores = (await policy.logProbs(rows)).flat().flatMap(({ logProbs }) => [...logProbs]);
      await policy.dispose();
      return scores;
    };
    const merged = mergeAdapter(base, adapter);
    assert.ok(apart(await scoresOf({ adapter }), await scoresOf({}, merged)) < 1e-4);
    assert.ok(apart(await scoresOf({}), await scoresOf({}, merged)) > 1e-2);
    const unmerged = mergeAdapter(merged, adapter, -1);
    for (const name of parameterShapes(base.config).keys()) {
      const before = base.weights.get(name)!.data();
      assert.ok(apart(unmerged.weights.get(name)!.data(), before) <= 2 ** -22 * 8, name);
    }
  });

  it("cannot be turned off to find a base that was trained away", async () => {
    await withPolicy({}, async (policy) => {
      const row: Row = { prompt: [1], completions: [{ ids: [2] }] };
      await policy.logProbs([row], { adapter: "off" });
      await new Trainer(policy, { learningRate: 0.1 }).step([row], curved);
      const late = policy.logProbs([row], { adapter: "off" });
      await assert.rejects(late, { name: "InputError", message: /second policy/ });
    });
  });

  it("off is the base model to the bit", async () => {
    const on = await Policy.create(base, { adapter });
    const plain = await Policy.create(base);
    assert.deepEqual(await on.logProbs(rows, { adapter: "off" }), await plain.logProbs(rows));
    await on.dispose();
    await plain.dispose();
  });

  it("that is new changes nothing", async () => {
    const on = await Policy.create(base, {
      adapter: freshAdapter(base.config, { ...lora, targets: ["o_proj"] }, 0),
    });
    assert.deepEqual(await on.logProbs(rows), await on.logProbs(rows, { adapter: "off" }));
    await on.dispose();
  });
});
