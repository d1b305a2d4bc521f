import { strict as assert } from "node:assert";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs";
import { crossEntropyLoss, type Sequence } from "../../lib/objective/index.js";
import { initModel, type ModelConfig } from "../../lib/model/index.js";
import { freshAdapter, Policy, Trainer, type PolicyOptions } from "../../lib/policy/index.js";
import { HEAP_BYTES, OutOfMemory, useBackend, wasmRuntime } from "../../lib/tensor/index.js";
import { distance, config as small, lora } from "./small.js";

/** Deep and narrow, with long rows: activations are most of what is needed. */
const config: ModelConfig = { ...small, layers: 6, maxPositions: 512 };
const model = initModel(config, 1);

/** Four prompts of 150 tokens with six answers of 20 each. */
const rows: Sequence[] = Array.from({ length: 24 }, (_, i) => ({
  promptIds: Array.from({ length: 150 }, (_, t) => (3 * t + 7 * Math.floor(i / 6)) % 50),
  responseIds: Array.from({ length: 20 }, (_, t) => (i + 11 * t) % 50),
  packWith: Math.floor(i / 6),
}));
const loss = crossEntropyLoss(
  rows.map(({ responseIds }, i) => ({ weights: responseIds.map((_, t) => Math.sin(i + t)) })),
);
const MB = 1e6;

/** Equal but for the last bits of sums that were taken in another order. */
function close(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  const largest = Array.from(b).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return distance(a, b) <= 1e-5 * largest;
}

/** What a policy of so much memory makes of the rows, and the most that its tensors took of the heap. */
async function results(
  options: PolicyOptions,
): Promise<{ gradient: Float32Array; scores: number[]; parts: number; peak: number }> {
  const policy = await Policy.create(model, { batchTokens: 4096, ...options });
  const { heap } = wasmRuntime()!;
  heap.mark();
  const { gradient, parts } = await policy.gradients(rows, loss, { dropout: [1] });
  const { peak } = heap;
  const scores = (await policy.logProbs(rows)).flatMap(({ logProbs }) => logProbs);
  const copy = gradient.slice();
  await policy.dispose();
  return { gradient: copy, scores, parts: parts.length, peak };
}

describe("memory that is too small for a batch (A15)", () => {
  before(() => useBackend("wasm"));
  /** Where nothing may be dumped. */
  const dumpFolder = join(tmpdir(), `aisle-no-dump-${process.pid}`);
  const heap = (): NonNullable<ReturnType<typeof wasmRuntime>>["heap"] => wasmRuntime()!.heap;
  /** Runs with a heap that is really full at so many bytes above what lies there now. */
  const limited = async <T>(bytes: number, run: () => Promise<T>): Promise<T> => {
    heap().limit = heap().bytes + bytes;
    try {
      return await run();
    } finally {
      heap().limit = HEAP_BYTES;
    }
  };

  it("what fits is left alone, what does not is computed again to the same bits, and then divided", async () => {
    const whole = await results({});
    assert.equal(whole.parts, 1);
    const before = heap().bytes;
    assert.deepEqual((await results({ memory: 2 * whole.peak })).gradient, whole.gradient);
    const again = await limited(4 * MB, () => results({ memory: 4 * MB }));
    assert.equal(again.parts, 1);
    assert.ok(whole.peak - before > 5 * MB && again.peak - before < 3 * MB, "it was not computed again");
    assert.deepEqual([again.gradient, again.scores], [whole.gradient, whole.scores]);
    for (const [memory, parts] of [
      [2 * MB, 2],
      [1.4 * MB, 4],
      [1 * MB, 8],
    ] as const) {
      const divided = await limited(memory, () => results({ memory }));
      assert.ok(divided.parts >= parts, `${divided.parts} parts in ${memory}`);
      assert.ok(close(divided.gradient, whole.gradient), `${memory}`);
      assert.ok(close(divided.scores, whole.scores), `${memory}`);
      assert.ok(divided.peak - before <= memory);
    }
  });

  it("dropout keeps its masks, and with them the rows of a prompt together", async () => {
    const adapter = freshAdapter(config, { ...lora, dropout: 0.3 }, 3);
    const whole = await results({ adapter });
    for (const [memory, parts] of [
      [9 * MB, 1],
      [4 * MB, 2],
      [1.8 * MB, 4],
    ] as const) {
      const divided = await results({ adapter, memory });
      assert.equal(divided.parts, parts, `${memory}`);
      assert.ok(close(divided.gradient, whole.gradient), `${memory}`);
    }
    await assert.rejects(results({ adapter, memory: 1.2 * MB }), {
      name: "InputError",
      message: /the rows of one prompt, which dropout keeps together, of 264 tokens need/,
    });
  });

  it("one sentence when a row alone does not fit, or the model; nothing is dumped, and the policy goes on", async () => {
    const policy = await Policy.create(model, { memory: 0.5 * MB });
    const trainer = new Trainer(policy, { learningRate: 0.1, dumpFolder });
    await assert.rejects(trainer.step(rows, loss), (error: Error) => {
      assert.equal(error.name, "InputError");
      assert.match(
        error.message,
        /^The memory is too small: a row of 169 tokens needs about .* MB beside the model's .*0\.5 MB in all\. .*"lora"/,
      );
      return true;
    });
    assert.ok(!existsSync(dumpFolder));
    const short = [{ promptIds: [1, 2], responseIds: [3] }];
    await trainer.step(short, crossEntropyLoss([{ weights: [1] }]));
    await policy.dispose();
    await assert.rejects(Policy.create(model, { memory: 10_000 }), {
      name: "InputError",
      message: /the model takes .* MB in 32 bits/,
    });
  });

  it("a heap that is full all the same: planned for half, else a sentence, and nothing is left on it", async () => {
    const policy = await Policy.create(model, { batchTokens: 4096 });
    const trainer = new Trainer(policy, { learningRate: 0.1, dumpFolder });
    const whole = (await policy.gradients(rows, loss)).gradient.slice();
    const [{ numTensors }, taken] = [tf.memory(), heap().bytes];
    // The plan counts on 4 GiB; half of that is still too much, and then there is nothing to halve.
    await assert.rejects(
      limited(3 * MB, () => trainer.step(rows, loss)),
      (error: Error) => {
        assert.ok(error instanceof OutOfMemory);
        assert.match(
          error.message,
          /^The memory of WebAssembly is full: .* more were asked for\. Shorten prompts/,
        );
        return true;
      },
    );
    assert.equal(tf.memory().numTensors, numTensors);
    // Areas of work may have been let go of, or grown by a little.
    assert.ok(heap().bytes <= taken + 0.1 * MB, `${heap().bytes} instead of ${taken}`);
    assert.equal(trainer.steps, 0);
    assert.ok(!existsSync(dumpFolder));
    assert.deepEqual((await policy.gradients(rows, loss)).gradient, whole);
    await policy.dispose();

    const planned = await Policy.create(model, { batchTokens: 4096, memory: 16 * MB });
    const halved = await limited(7 * MB, () => planned.gradients(rows, loss));
    assert.deepEqual(halved.gradient, whole);
    await planned.dispose();
  });

  it("never hands out address 0", () => {
    const runtime = wasmRuntime()!;
    const before = heap().bytes;
    // Addresses are used up, memory is not: nothing is written.
    const large = runtime.output([600, 2 ** 20]);
    assert.throws(() => runtime.output([600, 2 ** 20]), OutOfMemory);
    assert.throws(() => runtime.area("test", 600 * 2 ** 22), OutOfMemory);
    large.dispose();
    assert.equal(heap().bytes, before);
  });

  it("samples are the same, drawn together or in groups", async () => {
    const requests = rows
      .filter((_, i) => i % 6 === 0)
      .map(({ promptIds }, p) => ({ prompt: promptIds, n: 6, name: [p] }));
    const drawn = async (memory?: number): Promise<unknown> => {
      const policy = await Policy.create(model, memory === undefined ? {} : { memory });
      const samples = await policy.sample(requests, { seed: 4, maxTokens: 12 });
      await policy.dispose();
      return samples;
    };
    const whole = await drawn();
    for (const memory of [3 * MB, 2 * MB, 1.2 * MB])
      assert.deepEqual(await limited(memory, () => drawn(memory)), whole, `${memory}`);
    await assert.rejects(drawn(0.3 * MB), {
      name: "InputError",
      message: /a sample of 162 tokens needs about/,
    });
  });
});
