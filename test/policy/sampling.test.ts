import { strict as assert } from "node:assert";
import { loadAdapter, loadModel } from "../../lib/model/index.js";
import { Policy, type Sample, type SampleOptions, type SampleRequest } from "../../lib/policy/index.js";
import { fixture } from "../fixtures/index.js";
import { testBackends } from "./available.js";

const reference = fixture("gqa-tied");
const model = loadModel(reference.folder);
const adapter = loadAdapter(reference.adapter, model.config);
const prompts = [reference.ids("group.prompt"), reference.ids("ids").slice(0, 24), [5]];

for (const backend of testBackends(["native", "wasm", "cpu", "webgpu", "tensorflow"])) {
  describe(`sampling on ${backend.name}`, function () {
    if (backend.name === "webgpu") this.timeout(300_000); // a GPU in software is slow
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

    it("continues greedily as PyTorch does with the other architectures", async function () {
      if (backend.name === "webgpu" || backend.name === "cpu") this.skip(); // slow; the network is the same
      for (const name of ["llama", "llama-bias", "qwen3", "mistral"] as const) {
        const theirs = fixture(name);
        const other = loadModel(theirs.folder);
        const own = await Policy.create(other, { adapter: loadAdapter(theirs.adapter, other.config) });
        const requests = [0, 1].map((k) => ({ prompt: theirs.ids(`greedy.${k}.prompt`), name: [k] }));
        for (const [prefix, on] of [
          ["", "off"],
          ["lora.", "on"],
        ] as const) {
          const samples = await own.sample(requests, {
            seed: 0,
            temperature: 0,
            maxTokens: 16,
            adapter: on,
          });
          for (const k of [0, 1])
            assert.deepEqual(
              samples[k]![0]!.ids,
              theirs.ids(`${prefix}greedy.${k}.new`),
              `${name} ${prefix}`,
            );
        }
        await own.dispose();
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
      const rows = prompts.flatMap((promptIds, r) =>
        samples[r]!.map(({ ids }) => ({ promptIds, responseIds: ids })),
      );
      const scores = await policy.logProbs(rows, { temperature });
      let next = 0;
      let worst = 0;
      samples.forEach((group) =>
        group.forEach((sample) => {
          const scored = scores[next++]!;
          sample.ids.forEach((_, t) => {
            worst = Math.max(
              worst,
              Math.abs(sample.logProbs[t]! - scored.logProbs[t]!),
              Math.abs(sample.entropies[t]! - scored.entropies[t]!),
            );
            assert.equal(sample.logProbs[t], sample.drawnLogProbs[t]);
          });
        }),
      );
      assert.ok(worst <= 1e-5, `differs by ${worst}`);
      assert.ok(samples.flat().some(({ finish }) => finish === "stop"));
      assert.ok(samples.flat().some(({ finish }) => finish === "length"));
    });

    it("gives a sample whatever its company: the same ids", async function () {
      if (backend.name === "webgpu") this.skip(); // promised where sums have one order; minutes of shaders otherwise
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

    it("draws only what is not given, as if the given tokens had been drawn, and counts those after them alone", async function () {
      if (backend.name === "webgpu") this.skip();
      const [prompt] = prompts;
      const given = [null, 8, 9, null, 5, null, 5];
      const [samples] = await policy.sample([{ prompt: prompt!, given, n: 6, name: ["g"] }], {
        seed: 3,
        maxTokens: 2,
        stop: [4, 5],
      });
      const expected = given.map((id) => id === null);
      const ends = new Set<string>();
      for (const { ids, scored, finish } of samples!) {
        assert.deepEqual([ids[1], ids[2], ids[4], ids[6]], [8, 9, 5, 5], "a given stop token ends nothing");
        assert.deepEqual(scored!.slice(0, given.length), expected);
        assert.ok(scored!.slice(given.length).every(Boolean));
        assert.ok(ids.length > given.length && ids.length <= given.length + 2);
        ends.add(finish);
      }
      assert.ok(new Set(samples!.map(({ ids }) => ids[0])).size > 1, "what is drawn differs by sample");
      assert.ok(ends.has("length"));
      const scores = await policy.logProbs(
        samples!.map(({ ids, scored }) => ({ promptIds: prompt!, responseIds: ids, scored: scored! })),
      );
      samples!.forEach(({ logProbs, scored }, i) => {
        const drawn = logProbs.filter((_, t) => scored![t]);
        drawn.forEach((value, t) => assert.ok(Math.abs(value - scores[i]!.logProbs[t]!) < 1e-5));
      });
      // The same words in the same places, whoever else is in the batch.
      const [[alone]] = (await policy.sample(
        [
          { prompt: prompt!, given, n: 1, name: ["g"] },
          { prompt: prompts[1]!, name: ["other"] },
        ],
        { seed: 3, maxTokens: 2, stop: [4, 5] },
      )) as [Sample[], Sample[]];
      assert.deepEqual(alone!.ids, samples![0]!.ids);
      // What is given first might as well stand in the prompt.
      const [[led], [moved]] = (await policy.sample(
        [
          { prompt: prompt!, given: [8, 9, null, 5], name: ["led"] },
          { prompt: [...prompt!, 8, 9], given: [null, 5], name: ["led"] },
        ],
        { seed: 3, maxTokens: 4 },
      )) as [Sample[], Sample[]];
      assert.deepEqual(led!.ids, [8, 9, ...moved!.ids]);
      await assert.rejects(
        policy.sample([{ prompt: prompt!, given, choices: [[1]], name: ["g"] }], { seed: 3, maxTokens: 2 }),
        /both given tokens and choices/,
      );
      await assert.rejects(
        policy.sample([{ prompt: prompt!, given: [1e6], name: ["g"] }], { seed: 3, maxTokens: 2 }),
        /given tokens of prompt 0/,
      );
    });

    it("computes what prompts begin with once, to the same samples, and numbers samples as asked", async function () {
      if (backend.name === "webgpu") this.skip();
      const begin = reference.ids("ids").slice(0, 20);
      const requests = [[5, 9], [7], [5, 9, 11, 13], [8, 8]].map((end, r) => ({
        prompt: [...(r === 3 ? begin.slice(1) : begin), ...end],
        n: 3,
        name: ["y", r],
      }));
      const options = { seed: 2, maxTokens: 6 };
      const shared = requests.map((request, r) => (r === 3 ? request : { ...request, shared: 20 }));
      const [apart, together] = [
        await policy.sample(requests, options),
        await policy.sample(shared, options),
      ];
      for (const [r, group] of together.entries()) {
        const [alone] = await policy.sample([shared[r]!], options);
        group.forEach((sample, i) => {
          assert.deepEqual(sample.ids, apart[r]![i]!.ids);
          sample.logProbs.forEach((value, t) =>
            assert.ok(Math.abs(value - apart[r]![i]!.logProbs[t]!) < 1e-5),
          );
          // Whoever else begins so makes no difference, to the bit where sums have one order.
          if (backend.name === "wasm") assert.deepEqual(sample, alone![i]);
        });
      }
      const [some] = await policy.sample([{ ...requests[0]!, n: 2, numbers: [2, 0], shared: 20 }], options);
      assert.deepEqual(
        some!.map(({ ids }) => ids),
        [apart[0]![2]!.ids, apart[0]![0]!.ids],
      );
      await assert.rejects(
        policy.sample([{ ...requests[0]!, shared: 22 }], options),
        /leave it at least one/,
      );
      await assert.rejects(
        policy.sample([{ ...requests[0]!, numbers: [1] }], options),
        /a number of at least 0/,
      );
    });

    it("takes many prompts a part at a time, to the same samples", async function () {
      if (backend.name === "webgpu" || backend.name === "cpu") this.skip(); // cpu takes them one by one; webgpu promises no bits
      const long = Array.from({ length: 22 }, (_, r) => ({
        prompt: Array.from({ length: 200 }, (__, i) => (7 * i + r) % 96),
        name: [r],
      }));
      const options = { seed: 7, maxTokens: 3 };
      const together = await policy.sample(long, options);
      for (const r of [0, 19, 20, 21]) {
        const [alone] = await policy.sample([long[r]!], options);
        assert.deepEqual(together[r]![0]!.ids, alone![0]!.ids);
      }
    });

    it("produces only admissible strings, and says which", async () => {
      const choices = [[10, 11, 12], [10, 11], [40], [41, 42]];
      const requests = [{ prompt: prompts[0]!, n: 40, name: ["c"], choices }];
      const [samples] = await policy.sample(requests, { seed: 3, maxTokens: 4, stop: [9], temperature: 3 });
      const seen = new Set(samples!.map(({ choice }) => choice));
      for (const { ids, choice, finish } of samples!) {
        // The second choice begins the first one: only there a stop token may follow.
        assert.deepEqual(ids, choice === 1 ? [10, 11, 9] : choices[choice!]);
        assert.equal(finish, "choice");
      }
      assert.ok(seen.size >= 3, `only ${[...seen].join()}`);
    });

    it("draws choices as often as scoring them says", async () => {
      const choices = [
        [10, 11],
        [10, 12],
        [40, 41],
      ];
      const logProbs = await policy.scoreChoices(prompts[0]!, choices);
      // Token by token, what is drawn from is the model's distribution among the tokens that lead to a choice.
      const first = await policy.scoreChoices(prompts[0]!, [[10], [40]]);
      const total = first.reduce((sum, lp) => sum + Math.exp(lp), 0);
      const [samples] = await policy.sample([{ prompt: prompts[0]!, n: 12, name: ["s"], choices }], {
        seed: 3,
        maxTokens: 2,
      });
      for (const { ids, choice, logProbs: own, drawnLogProbs } of samples!) {
        assert.ok(Math.abs(own[0]! + own[1]! - logProbs[choice!]!) < 1e-5);
        const expected = Math.log(Math.exp(first[ids[0] === 10 ? 0 : 1]!) / total);
        assert.ok(Math.abs(drawnLogProbs[0]! - expected) < 1e-5);
      }
    });

    it("streams the same tokens", async () => {
      const requests = [{ prompt: prompts[0]!, n: 2, name: [1] }];
      const options = { seed: 2, maxTokens: 5 };
      const [whole] = await policy.sample(requests, options);
      const ids: number[][] = [[], []];
      for await (const token of policy.stream(requests, options)) ids[token.sample]!.push(token.id);
      assert.deepEqual(
        ids,
        whole!.map((sample) => sample.ids),
      );
    });

    it("goes on with later samples, and looks inside as PyTorch does", async () => {
      const request = { prompt: prompts[0]!, n: 5, name: [4] };
      const options = { seed: 2, maxTokens: 3 };
      const [all] = await policy.sample([request], options);
      const [later] = await policy.sample([{ ...request, first: 3, n: 2 }], options);
      assert.deepEqual(
        later!.map(({ ids }) => ids),
        all!.slice(3).map(({ ids }) => ids),
      );
      const time = 24;
      const { next, attention } = await policy.inspect(reference.ids("ids").slice(0, time), "off");
      assert.equal(attention.length, 2);
      attention.forEach((weights, layer) => {
        const expected = reference.floats(`attention.${layer}`); // [batch, heads, time, time]: the first text
        assert.equal(weights.length, 4 * time * time);
        weights.forEach((w, i) => assert.ok(Math.abs(w - expected[i]!) < 1e-4));
      });
      const logits = reference.floats("logits").subarray(23 * 96, 24 * 96);
      const z = logits.reduce((sum, x) => sum + Math.exp(x), 0);
      next.forEach((p, i) => assert.ok(Math.abs(p - Math.exp(logits[i]!) / z) < 1e-5));
    });

    it("refuses what cannot be sampled, before any work", async () => {
      const one = { prompt: [1], name: [0] };
      const cases: [SampleRequest[], Partial<SampleOptions>, RegExp][] = [
        [[], {}, /nothing to sample/],
        [[{ ...one, prompt: [] }], {}, /Prompt 0 is empty/],
        [[{ ...one, prompt: [96] }], {}, /token id 96/],
        [[{ ...one, n: 0 }], {}, /positive number of samples/],
        [
          [one, { ...one, prompt: new Array<number>(250).fill(1) }],
          {},
          /Prompt 1 has 250 tokens.*256 positions/,
        ],
        [[one], { temperature: -1 }, /temperature/],
        [[one], { topP: 0 }, /top-p/],
        [[one], { topK: 1.5 }, /top-k/],
        [[one], { maxTokens: 0 }, /positive integer/],
        [[one], { stop: [1000] }, /stop tokens/],
        [[{ ...one, choices: [[1, 2], [1]] }], {}, /Choice 1 of prompt 0 is the beginning of another/],
        [[{ ...one, choices: [new Array<number>(9).fill(2)] }], {}, /more than the 8 allowed/],
        [[{ ...one, choices: [[97]] }], {}, /token id 97/],
      ];
      for (const [requests, options, message] of cases) {
        const attempt = policy.sample(requests, { seed: 0, maxTokens: 8, ...options });
        await assert.rejects(attempt, { name: "InputError", message });
      }
    });
  });
}
