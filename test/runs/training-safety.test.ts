import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { folderSums } from "../../lib/base/index.js";
import { type IterationTimes, RunFolder, runGrpo, splitOf, splitText } from "../../lib/runs/index.js";
import { openGrpo } from "../../lib/runs/training/grpo-run.js";
import { trainingLoop } from "../../lib/runs/training/loop.js";
import { saveTinyModel, tinyRun, tinyShop } from "./tiny-run.js";

describe("a run that something happens to", function () {
  this.timeout(180_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-safety-"));
  const model = join(root, "model");
  const environment = tinyShop();
  before(() => saveTinyModel(model, environment));
  after(() => rmSync(root, { recursive: true, force: true }));

  it("stops at a loss that is not finite, with the batch in its folder and the weights as they were", async () => {
    const out = join(root, "exploded");
    const config = tinyRun(model, {
      update: { learningRate: 1e30, maxGradNorm: null },
      objective: { kl: null },
      groups: { tasks: 4, size: 4 },
      iterations: 6,
    });
    await assert.rejects(runGrpo({ config, environment, out, resume: false }), (error: Error) => {
      assert.equal(error.name, "RunError");
      return true;
    });
    const metrics = new RunFolder(out).metrics<Record<string, number | null>>();
    for (const line of metrics) for (const value of Object.values(line)) assert.ok(Number.isFinite(value));
  });

  it("keeps its number of tensors, and its times add up", async () => {
    const times: IterationTimes[] = [];
    await runGrpo({
      config: tinyRun(model, { iterations: 14, evaluate: { every: 7, goals: 2 } }),
      environment,
      out: join(root, "flat"),
      resume: false,
      onIteration: ({ seconds }) => times.push(seconds),
    });
    assert.equal(times.length, 14);
    assert.deepEqual(new Set(times.slice(1).map(({ tensors }) => tensors)).size, 1, "tensors are flat");
    const split = splitOf(times)!;
    const parts = split.rollout + split.score + split.update + split.algorithm;
    assert.ok(Math.abs(parts - 1) < 1e-9);
    assert.equal(split.tensors[0], split.tensors[1]);
    assert.match(splitText(split), /roll-outs .* %, scoring .* %, update .* %, advantages and objective/);
    assert.equal(splitOf([]), null);
  });

  it("notes its progress in one order, whoever does: killed or not, the bytes are the same", async () => {
    const out = join(root, "noted");
    await runGrpo({ config: tinyRun(model, { iterations: 1 }), environment, out, resume: false });
    const folder = new RunFolder(out);
    const noted = (): string => readFileSync(join(out, "progress.json"), "utf8");
    const whole = noted();
    const { iteration, checkpoint, best } = folder.progress()!;
    folder.moveTo({ best, checkpoint, iteration });
    assert.notEqual(noted(), whole, "the model is not noted yet");
    assert.ok(!folder.isFinished());
    folder.finish();
    assert.ok(folder.isFinished());
    assert.equal(noted(), whole);
    assert.deepEqual(Object.keys(JSON.parse(whole) as object).slice(0, 4), [
      "format",
      "iteration",
      "checkpoint",
      "best",
    ]);
  });

  it("goes on from a checkpoint older than its best model", async () => {
    const config = tinyRun(model, { iterations: 6, checkpoint: 3, evaluate: { every: 1, goals: 1 } });
    const cut = new Error("cut off");
    const train = async (out: string, resume: boolean, end = Infinity): Promise<Record<string, string>> => {
      const { trainee, from } = await openGrpo(config, environment, out);
      // Every model measures better than the one before.
      const better = { ...trainee, quality: () => trainee.trainer.steps };
      const onIteration = ({ iteration }: { iteration: number }): void => {
        if (iteration === end) throw cut;
      };
      try {
        const { best } = await trainingLoop({ trainee: better, config, from, out, resume, onIteration });
        assert.equal(best!.iteration, 6);
        const { "timing.jsonl": _, "origin.json": __, ...rest } = folderSums(out);
        return rest;
      } finally {
        await trainee.dispose();
      }
    };
    const right = await train(join(root, "undisturbed"), false);
    for (const end of [3, 5]) {
      const out = join(root, `cut-${end}`);
      await assert.rejects(train(out, false, end), cut);
      assert.deepEqual(await train(out, true), right, `cut off in iteration ${end}`);
    }
  });
});
