import { strict as assert } from "node:assert";
import { batching, type Sampler } from "../../lib/policy/index.js";
import { useBackend } from "../../lib/tensor/index.js";
import { config, someRows, withPolicy } from "./small.js";

describe("askers of one policy, answered together", () => {
  before(() => useBackend("wasm"));

  /** The same sampler, and how many prompts each of its passes had. */
  const counted = (sampler: Sampler): { sampler: Sampler; passes: number[] } => {
    const passes: number[] = [];
    return {
      passes,
      sampler: {
        config: sampler.config,
        sample: (requests, options) => {
          passes.push(requests.length);
          return sampler.sample(requests, options);
        },
      },
    };
  };
  const prompts = [...new Set(someRows(6).map(({ promptIds }) => promptIds))];

  it("get what each would have got alone, in one pass", () =>
    withPolicy({}, async (policy) => {
      const options = (i: number) => ({ seed: i, maxTokens: 5, stop: [3] });
      const alone = [];
      for (const [i, prompt] of prompts.entries())
        alone.push(await policy.sample([{ prompt, n: 2, name: ["a"] }], options(i)));
      const { sampler, passes } = counted(policy);
      const together = batching(sampler);
      const answers = await Promise.all(
        prompts.map((prompt, i) => together.sample([{ prompt, n: 2, name: ["a"] }], options(i))),
      );
      assert.deepEqual(answers, alone);
      assert.deepEqual(passes, [prompts.length]);
      assert.notDeepEqual(
        alone[0],
        await policy.sample([{ prompt: prompts[0]!, n: 2, name: ["a"] }], options(9)),
      );
    }));

  it("are not mixed when they ask for different things, nor spoilt by one who cannot be answered", () =>
    withPolicy({}, async (policy) => {
      const { sampler, passes } = counted(policy);
      const together = batching(sampler);
      const ask = (prompt: readonly number[], maxTokens: number) =>
        together.sample([{ prompt, name: ["a"] }], { seed: 0, maxTokens });
      const [short, long] = await Promise.all([ask(prompts[0]!, 2), ask(prompts[1]!, 4)]);
      assert.deepEqual([short![0]![0]!.ids.length, long![0]![0]!.ids.length], [2, 4]);
      assert.deepEqual(passes.splice(0), [1, 1]);
      const unknown = [config.vocabSize];
      const [good, bad] = await Promise.allSettled([ask(prompts[0]!, 2), ask(unknown, 2)]);
      assert.equal(good.status, "fulfilled");
      assert.ok(bad.status === "rejected" && /vocabulary/.test(String(bad.reason)));
    }));
});
