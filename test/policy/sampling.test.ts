import { strict as assert } from "node:assert";
import { loadAdapter, loadModel, Policy, type Sample } from "../../lib/policy/index.js";
import { fixture } from "../fixtures/index.js";
import { testBackends } from "./available.js";

const reference = fixture("gqa-tied");
const model = loadModel(reference.folder);
const adapter = loadAdapter(reference.adapter, model.config);
const prompts = [reference.ids("group.prompt"), reference.ids("ids").slice(0, 24), [5]];

for (const backend of testBackends(["native", "wasm", "cpu", "webgpu", "tensorflow"])) {
  describe(`sampling on ${backend.name}`, () => {
    let policy: Policy;
    before(async function () {
      await backend.use(this);
      policy = await Policy.create(model, { adapter });
    });
    after(() => policy?.dispose());

    it("continues greedily as PyTorch does, adapter on and off", async () => {
      for (const prefix of ["", "lora."]) {
        const requests = [0, 1].map((k) => ({ prompt: reference.ids(`greedy.${k}.prompt`), name: [k] }));
        const on = prefix === "" ? "off" : "on";
        const samples = await policy.sample(requests, {
          seed: 0,
          temperature: 0,
          maxTokens: 16,
          adapter: on,
        });
        for (const k of [0, 1]) {
          assert.deepEqual(samples[k]![0]!.ids, reference.ids(`${prefix}greedy.${k}.new`));
        }
      }
    });

    it("reports the trainer's log-probabilities and entropies", async () => {
      const temperature = 0.7;
      const requests = prompts.map((prompt, r) => ({ prompt, n: 4, name: ["x", r] }));
      const samples = await policy.sample(requests, {
        seed: 1,
        temperature,
        maxTokens: 9,
        stop: [3, 4, 5, 6, 7],
      });
      const rows = prompts.map((prompt, r) => ({ prompt, completions: samples[r]! }));
      const scores = await policy.logProbs(rows, { temperature });
      let worst = 0;
      samples.forEach((group, r) =>
        group.forEach((sample, s) =>
          sample.ids.forEach((_, t) => {
            worst = Math.max(
              worst,
              Math.abs(sample.logProbs[t]! - scores[r]![s]!.logProbs[t]!),
              Math.abs(sample.entropies[t]! - scores[r]![s]!.entropies[t]!),
            );
            assert.equal(sample.logProbs[t], sample.drawnLogProbs[t]);
          }),
        ),
      );
      assert.ok(worst <= 1e-5, `differs by ${worst}`);
      assert.ok(samples.flat().some(({ finish }) => finish === "stop"));
      assert.ok(samples.flat().some(({ finish }) => finish === "length"));
    });

    it("gives a sample whatever its company: the same ids", async () => {
      const options = { seed: 7, maxTokens: 10, stop: [3, 4, 5] };
      const requests = prompts.map((prompt, r) => ({ prompt, n: 5, name: [r] }));
      const together = await policy.sample(requests, options);
      for (const [r, request] of requests.entries()) {
        for (const n of [1, 2, 5]) {
          const [alone] = await policy.sample([{ ...request, n }], options);
          alone!.forEach((sample, s) => {
            const other = together[r]![s]!;
            assert.deepEqual(sample.ids, other.ids);
            // `native` multiplies blocks of rows in another order than single rows; only `wasm` promises the bits.
            if (backend.name === "wasm") assert.deepEqual(sample, other satisfies Sample);
          });
        }
      }
    });
  });
}
