import { strict as assert } from "node:assert";
import fc from "fast-check";
import { crossEntropyLoss, type Sequence } from "../../../lib/objective/index.js";
import { initModel, projections, type ModelConfig } from "../../../lib/model/index.js";
import { freshAdapter, Policy } from "../../../lib/policy/index.js";
import { bundled } from "../../../lib/policy/pack.js";
import { Room } from "../../../lib/policy/memory.js";
import { useBackend, wasmRuntime } from "../../../lib/tensor/index.js";
import { config as small, lora } from "../../policy/small.js";

/** Rows that share prompts, with a loss. */
function work(prompts: number, each: number, promptTokens: number, tokens: number): Sequence[] {
  return Array.from({ length: prompts * each }, (_, i) => {
    const packWith = Math.floor(i / each);
    return {
      promptIds: Array.from({ length: promptTokens }, (_, t) => (7 * packWith + 3 * t) % 49),
      responseIds: Array.from({ length: tokens }, (_, t) => (i + 11 * t) % 50),
      packWith,
    };
  });
}

const lossOf = (rows: readonly Sequence[]): ReturnType<typeof crossEntropyLoss> =>
  crossEntropyLoss(rows.map(({ responseIds }) => ({ weights: responseIds.map((_, t) => Math.sin(t + 1)) })));

describe("the memory that work is planned with", function () {
  this.timeout(900_000);
  before(() => useBackend("wasm"));

  it("is at least what is taken, for any shape of model, adapter and rows", async () => {
    const { heap } = wasmRuntime()!;
    const shape = fc.record({
      vocabSize: fc.constantFrom(60, 500, 3000),
      hiddenSize: fc.constantFrom(16, 64, 128),
      intermediateSize: fc.integer({ min: 8, max: 400 }),
      layers: fc.integer({ min: 1, max: 8 }),
      keyValueHeads: fc.integer({ min: 1, max: 3 }),
      groups: fc.integer({ min: 1, max: 3 }),
      headDim: fc.constantFrom(2, 8, 16, 32),
      tiedEmbeddings: fc.boolean(),
    });
    const adapter = fc.option(
      fc.record({
        rank: fc.integer({ min: 1, max: 16 }),
        dropout: fc.constantFrom(0, 0.1),
        targets: fc.subarray([...projections], { minLength: 1 }),
      }),
      { nil: undefined },
    );
    const rowsOf = fc.tuple(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 40 }),
    );
    await fc.assert(
      fc.asyncProperty(shape, adapter, rowsOf, async ({ groups, ...of }, kind, counts) => {
        const config: ModelConfig = {
          ...small,
          ...of,
          heads: groups * of.keyValueHeads,
          maxPositions: 512,
          initializerRange: 0.02,
        };
        const options = kind
          ? { adapter: freshAdapter(config, { alpha: 16, rankStabilised: false, ...kind }, 1) }
          : {};
        const room = new Room(config, options.adapter?.config, kind ? "adapter" : "model", Infinity);
        const policy = await Policy.create(initModel(config, 1), { ...options, batchTokens: 1e9 });
        await policy.logProbs([{ promptIds: [1], responseIds: [2] }]); // the weights are there
        const rows = work(...counts);
        const bundles = bundled(rows);
        const within = async (run: () => Promise<unknown>, planned: number, what: string): Promise<void> => {
          const before = heap.bytes; // with the small areas that earlier work left, which the tenth that is not planned with is for
          heap.mark();
          await run();
          const taken = heap.peak - before;
          assert.ok(taken <= planned, `${what}: ${taken} taken, ${planned} planned`);
        };
        await within(() => policy.logProbs(rows), room.score(bundles), "scores");
        for (const checkpoint of ["none", "layer"] as const) {
          const run = (): Promise<unknown> =>
            policy.gradients(rows, lossOf(rows), { checkpoint, dropout: [1] });
          await within(run, room.gradient(bundles, checkpoint === "layer"), checkpoint);
        }
        const requests = bundles.map(({ prompt }, i) => ({ prompt, n: counts[1], name: [i] }));
        const sample = (): Promise<unknown> => policy.sample(requests, { seed: 1, maxTokens: counts[3] });
        await within(sample, room.sample(requests, counts[3]), "samples");
        await policy.dispose();
      }),
      { numRuns: 200 },
    );
  });

  it("divides work the same way for any number of workers: the same bits", async () => {
    const config: ModelConfig = { ...small, layers: 6, maxPositions: 512 };
    const model = initModel(config, 1);
    const rows = work(4, 6, 150, 20);
    for (const options of [{}, { adapter: freshAdapter(config, { ...lora, dropout: 0.3 }, 3) }]) {
      for (const memory of [9e6, 4e6, 2.5e6]) {
        const gradient = async (workers: number): Promise<Float32Array> => {
          const policy = await Policy.create(model, { ...options, memory, workers, batchTokens: 4096 });
          const result = await policy.gradients(rows, lossOf(rows), { dropout: [1] });
          const copy = result.gradient.slice();
          await policy.dispose();
          return copy;
        };
        assert.deepEqual(await gradient(2), await gradient(0));
      }
    }
  });
});
