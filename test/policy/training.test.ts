import { strict as assert } from "node:assert";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { stream } from "../../lib/base/index.js";
import {
  freshAdapter,
  resumeCheckpoint,
  saveCheckpoint,
  Trainer,
  type PolicyOptions,
  type TrainerOptions,
} from "../../lib/policy/index.js";
import { crossEntropyLoss, type Sequence } from "../../lib/objective/index.js";
import { useBackend } from "../../lib/tensor/index.js";
import { learn, parseGrpoConfig, PRESETS } from "../../lib/grpo/index.js";
import { curved, curvedAt } from "./curved.js";
import { config, distance, lora, someRows, withPolicy } from "./small.js";

describe("gradients", () => {
  before(() => useBackend("wasm"));

  for (const trained of ["the model", "an adapter"] as const) {
    it(`of ${trained} are what finite differences say, checkpointed or not`, async () => {
      const fresh = freshAdapter(config, lora, 3);
      const options = trained === "an adapter" ? { adapter: fresh } : {};
      await withPolicy(options, async (policy) => {
        // B starts at zero, which would hide A's gradient.
        const random = stream(5, "start");
        if (trained === "an adapter") {
          policy.parameters.forEach((_, i) => (policy.parameters[i] = 0.3 * random.normal()));
          policy.changed();
        }
        const rows = someRows(3);
        const of = async (checkpoint: "none" | "layer"): Promise<Float32Array> =>
          (await policy.gradients(rows, curved(rows), { temperature: 0.8, checkpoint })).gradient.slice();
        const gradient = await of("none");
        assert.ok(distance(gradient, await of("layer")) < 1e-5);
        const lossAt = async (): Promise<number> =>
          curvedAt(await policy.logProbs(rows, { temperature: 0.8 }));
        // Along a random direction in each tensor: more signal than single entries in float32.
        for (const { name, offset, size } of policy.host.trained) {
          const direction = Float32Array.from({ length: size }, () => random.normal());
          const before = policy.parameters.slice(offset, offset + size);
          const h = 2e-3;
          const sides: number[] = [];
          for (const sign of [1, -1]) {
            policy.parameters.set(
              before.map((x, i) => x + sign * h * direction[i]!),
              offset,
            );
            policy.changed();
            sides.push(await lossAt());
          }
          policy.parameters.set(before, offset);
          policy.changed();
          const numeric = (sides[0]! - sides[1]!) / (2 * h);
          const analytic = direction.reduce((sum, d, i) => sum + d * gradient[offset + i]!, 0);
          const scale = Math.sqrt(direction.reduce((sum, _, i) => sum + gradient[offset + i]! ** 2, 0)) + 0.1;
          assert.ok(Math.abs(numeric - analytic) / scale < 0.02, `${name}: ${analytic}, measured ${numeric}`);
        }
      });
    });
  }

  it("through packed sequences equal those of separate ones", async () => {
    await withPolicy({}, async (policy) => {
      const rows = someRows(4, 1);
      const loss = crossEntropyLoss(
        rows.map(({ responseIds }) => ({
          weights: responseIds.map((_, t) => -Math.cos(t + responseIds[0]!)),
        })),
      );
      const packed = (await policy.gradients(rows, loss)).gradient.slice();
      const separateRows = rows.map((row, packWith) => ({ ...row, packWith }));
      assert.ok(new Set(rows.map(({ packWith }) => packWith)).size < rows.length, "some share a prompt");
      const separate = (await policy.gradients(separateRows, loss)).gradient;
      assert.ok(distance(packed, separate) < 1e-5, `${distance(packed, separate)}`);
      const a = await policy.logProbs(rows);
      const b = await policy.logProbs(separateRows);
      a.forEach((scores, i) => assert.ok(distance(scores.logProbs, b[i]!.logProbs) < 1e-5));
    });
  });

  it("and scores come back in the order of the sequences, whatever shares a prompt", async () => {
    await withPolicy({ batchTokens: 20 }, async (policy) => {
      const rows = someRows(5, 2).map(({ promptIds, responseIds }) => ({ promptIds, responseIds }));
      const order = stream(4, "order").shuffle(rows.map((_, i) => i));
      const turned = order.map((i) => rows[i]!);
      const scores = await policy.logProbs(rows);
      (await policy.logProbs(turned)).forEach(({ logProbs }, k) =>
        assert.ok(distance(logProbs, scores[order[k]!]!.logProbs) < 1e-5),
      );
      const one = await policy.gradients(rows, curved(rows));
      const gradient = one.gradient.slice();
      one.scores.forEach(({ logProbs }, i) => assert.ok(distance(logProbs, scores[i]!.logProbs) < 1e-5));
      assert.deepEqual(
        one.parts.flatMap((part) => part.rows).sort((x, y) => x - y),
        rows.map((_, i) => i),
      );
      assert.ok(one.parts.length > 1);
      assert.equal(
        one.parts.reduce((sum, part) => sum + part.loss, 0),
        one.loss,
      );
      const two = (await policy.gradients(turned, curved(turned, order))).gradient;
      assert.ok(distance(gradient, two) < 1e-5);
    });
  });

  it("of sequences whose loss has no derivative are zeros, and add nothing to the others'", () =>
    withPolicy({ batchTokens: 1 }, async (policy) => {
      // Every sequence is a micro-batch of its own; half of them have weights of zero, and are not differentiated at all.
      const rows = someRows(6).map((row, packWith) => ({ ...row, packWith }));
      const weight = (i: number, t: number): number => (i % 2 ? 0 : Math.sin(1 + i + t));
      const loss = (which: readonly number[]): ReturnType<typeof crossEntropyLoss> =>
        crossEntropyLoss(which.map((i) => ({ weights: rows[i]!.responseIds.map((_, t) => weight(i, t)) })));
      const all = rows.map((_, i) => i);
      const gradient = (await policy.gradients(rows, loss(all))).gradient.slice();
      assert.ok((await policy.gradients([rows[1]!], loss([1]))).gradient.every((value) => value === 0));
      const even = all.filter((i) => i % 2 === 0);
      const alone = await policy.gradients(
        even.map((i) => rows[i]!),
        loss(even),
      );
      assert.deepEqual(gradient, alone.gradient);
    }));

  it("do not depend on the micro-batches, dropout included", async () => {
    const adapter = freshAdapter(config, { ...lora, dropout: 0.3 }, 3);
    const results: Float32Array[] = [];
    const some = someRows(6);
    for (const batchTokens of [1, 20, 10_000]) {
      await withPolicy({ adapter, batchTokens }, async (policy) => {
        policy.parameters.fill(0.1);
        policy.changed();
        results.push((await policy.gradients(some, curved(some), { dropout: [1, 2] })).gradient.slice());
      });
    }
    assert.ok(distance(results[0]!, results[1]!) < 1e-5 && distance(results[0]!, results[2]!) < 1e-5);
    await withPolicy({ adapter }, async (policy) => {
      policy.parameters.fill(0.1);
      policy.changed();
      const whole = (await policy.gradients(some, curved(some))).gradient;
      assert.ok(distance(results[0]!, whole) > 1e-3, "dropout did nothing");
    });
  });
});

describe("training", () => {
  let folder: string;
  before(async () => {
    await useBackend("wasm");
    folder = mkdtempSync(join(tmpdir(), "aisle-"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const settings: TrainerOptions = {
    learningRate: 0.02,
    weightDecay: 0.1,
    schedule: { kind: "cosine", warmUp: 2, steps: 20 },
  };

  const step = (trainer: Trainer, s: number): ReturnType<Trainer["step"]> => {
    const rows = someRows(5, s);
    return trainer.step(rows, curved(rows));
  };

  async function train(options: PolicyOptions, steps: number): Promise<Float32Array> {
    return withPolicy({ batchTokens: 24, ...options }, async (policy) => {
      const trainer = new Trainer(policy, settings);
      for (let s = 0; s < steps; s++) await step(trainer, s);
      return policy.parameters.slice();
    });
  }

  it("gives the same bits for any number of workers", async function () {
    this.timeout(60_000); // each worker reads tfjs anew
    const adapter = freshAdapter(config, { ...lora, dropout: 0.2 }, 3);
    const requests = [1, 2, 3].map((p) => ({ prompt: [p, 7, 9], n: 3, name: ["w", p] }));
    const cases: [PolicyOptions, number[]][] = [
      [{}, [2]],
      [{ adapter }, [1]],
    ];
    for (const [options, counts] of cases) {
      // Scores and samples are asked for at the same time, as agents that play side by side would.
      const run = (workers: number): Promise<unknown> =>
        withPolicy({ batchTokens: 24, ...options, workers }, async (policy) => {
          const trainer = new Trainer(policy, settings);
          for (let s = 0; s < 3; s++) await step(trainer, s);
          return Promise.all([
            policy.parameters.slice(),
            policy.sample(requests, { seed: 4, maxTokens: 6, stop: [0, 1] }),
            policy.logProbs(someRows(5)),
            // One prompt: its samples are divided between the workers.
            policy.sample([{ ...requests[0]!, n: 7 }], { seed: 4, maxTokens: 6 }),
          ]);
        });
      const alone = await run(0);
      for (const workers of counts) assert.deepEqual(await run(workers), alone);
    }
  });

  it("resumes to the same bits", async () => {
    for (const adapter of [undefined, freshAdapter(config, { ...lora, dropout: 0.1 }, 3)]) {
      const options = adapter ? { adapter } : {};
      const whole = await train(options, 6);
      const path = join(folder, adapter ? "adapter-run" : "model-run");
      await withPolicy({ batchTokens: 24, ...options }, async (policy) => {
        const trainer = new Trainer(policy, settings);
        for (let s = 0; s < 3; s++) {
          await step(trainer, s);
          saveCheckpoint(path, trainer);
        }
      });
      const resumed = await withPolicy({ batchTokens: 24, ...options }, async (policy) => {
        const trainer = new Trainer(policy, settings);
        resumeCheckpoint(path, trainer);
        assert.equal(trainer.steps, 3);
        for (let s = 3; s < 6; s++) await step(trainer, s);
        return policy.parameters.slice();
      });
      assert.deepEqual(resumed, whole);
      await withPolicy(adapter ? {} : { adapter: freshAdapter(config, lora, 1) }, async (policy) => {
        assert.throws(() => resumeCheckpoint(path, new Trainer(policy, settings)), /this run trains the/);
      });
    }
    assert.deepEqual(readdirSync(folder).sort(), ["adapter-run", "model-run"]);
  });

  it("learns what it is shown, and keeps no tensor", async () => {
    await withPolicy({}, async (policy) => {
      const trainer = new Trainer(policy, { learningRate: 0.01 });
      const rows: Sequence[] = [
        [4, 5, 6, 7],
        [8, 9],
      ].map((responseIds) => ({ promptIds: [1, 2, 3], responseIds }));
      const shown = crossEntropyLoss(
        rows.map(({ responseIds }) => ({ weights: responseIds.map(() => 1 / 6) })),
      );
      const losses: number[] = [];
      let tensors = 0;
      for (let s = 0; s < 200; s++) {
        losses.push((await trainer.step(rows, shown)).loss);
        if (s % 50 === 1) await policy.sample([{ prompt: [1], n: 2, name: [s] }], { seed: 0, maxTokens: 3 });
        if (s === 1) tensors = tf.memory().numTensors;
      }
      assert.equal(tf.memory().numTensors, tensors);
      assert.ok(losses.at(-1)! < 0.3 && losses[0]! > 3, `${losses[0]} → ${losses.at(-1)}`);
      assert.ok(
        (
          await policy.sample([{ prompt: [1, 2, 3], name: [0] }], { seed: 0, maxTokens: 1, temperature: 0 })
        )[0]![0]!.logProbs[0]! > -1,
      );
    });
  });

  it("stops at a non-finite loss or gradient, with the batch in a file and the weights as they were", async () => {
    for (const workers of [0, 1]) {
      await withPolicy({ workers }, async (policy) => {
        const trainer = new Trainer(policy, { learningRate: 0.1, dumpFolder: folder });
        const before = policy.parameters.slice();
        const rows = someRows(2);
        await policy.logProbs(rows);
        const { numTensors } = tf.memory();
        const broken = curved(rows, undefined, NaN);
        await assert.rejects(trainer.step(rows, broken), /loss is NaN.*not-finite-step-1\.json/);
        // Finite as a loss, and more than float32 can hold as a derivative.
        const infinite = crossEntropyLoss(
          rows.map(({ responseIds }) => ({ weights: responseIds.map(() => 1e39) })),
        );
        await assert.rejects(trainer.step(rows, infinite), /gradient of step 1 is not finite/);
        const dump = JSON.parse(readFileSync(join(folder, "not-finite-step-1.json"), "utf8")) as {
          sequences: Sequence[];
          loss: unknown;
        };
        assert.deepEqual([dump.sequences, dump.loss], [rows, infinite]);
        assert.deepEqual(policy.parameters, before);
        assert.equal(tf.memory().numTensors, numTensors);
        await trainer.step(rows, curved(rows));
        assert.notDeepEqual(policy.parameters, before);
      });
    }
  });
});

describe("the algorithms' learner", () => {
  before(() => useBackend("wasm"));

  it("raises the reward of what it samples", async () => {
    const algorithm = parseGrpoConfig({
      ...PRESETS.grpo,
      objective: { ...PRESETS.grpo.objective, kl: null },
      groups: { tasks: 2, size: 8 },
      reward: {},
      sampling: { maxTokens: 2, temperature: 0.9 },
      update: { learningRate: 0.02 },
    });
    await withPolicy({}, async (policy) => {
      const { learningRate, weightDecay } = algorithm.update;
      const trainer = new Trainer(policy, { learningRate, weightDecay });
      const means: number[] = [];
      for (let step = 0; step < 12; step++) {
        const requests = [[1, 2], [3]].map((prompt, p) => ({ prompt, n: 8, name: [step, p] }));
        const samples = await policy.sample(requests, { seed: 0, ...algorithm.sampling });
        // One point for each token below 10: one in five at first.
        const scores = samples.map((group) => group.map(({ ids }) => ids.filter((id) => id < 10).length));
        means.push(scores.flat().reduce((a, b) => a + b, 0) / 16);
        let rollout = 0;
        const rows = samples.flatMap((group, g) => {
          const mean = scores[g]!.reduce((a, b) => a + b, 0) / 8;
          return group.map(({ ids, logProbs }, i) => ({
            promptIds: requests[g]!.prompt,
            responseIds: ids,
            oldLogProbs: logProbs,
            advantages: ids.map(() => scores[g]![i]! - mean),
            counted: true,
            group: g,
            rollout: rollout++,
          }));
        });
        const metrics = await learn(rows, trainer, algorithm, stream(0, step));
        assert.ok(metrics["sampler_vs_trainer/max"]! < 1e-5);
      }
      assert.ok(means.at(-1)! > means[0]! + 0.7, means.join(" "));
    });
  });
});
