import { strict as assert } from "node:assert";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadModel } from "../../lib/model/index.js";
import { type GrpoRun, RunFolder, runGrpo } from "../../lib/runs/index.js";
import { saveTinyModel, tinyRun, tinyShop } from "./tiny-run.js";

describe("a reinforcement-learning run", function () {
  this.timeout(120_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-grpo-"));
  const model = join(root, "model");
  const environment = tinyShop();
  before(() => saveTinyModel(model, environment));
  after(() => rmSync(root, { recursive: true, force: true }));

  const configure = (more: object = {}): GrpoRun => tinyRun(model, more);
  const bytes = (run: string, file: string): string => readFileSync(join(root, run, file)).toString("base64");
  const run = (name: string, config: GrpoRun, more: Partial<Parameters<typeof runGrpo>[0]> = {}) =>
    runGrpo({ config, environment, out: join(root, name), resume: false, ...more });

  it("writes metrics, checkpoints and a model that loads again, the same bits every time", async () => {
    const summary = await run("first", configure());
    assert.equal(summary.finished, true);
    assert.equal(summary.iterations, 4);
    assert.ok(summary.before && summary.after);
    const metrics = new RunFolder(join(root, "first")).metrics<Record<string, number>>();
    assert.deepEqual(
      metrics.map((m) => m["iteration"]),
      [0, 1, 2, 3, 4],
    );
    for (const line of metrics.slice(1)) {
      for (const [name, value] of Object.entries(line)) assert.ok(Number.isFinite(value), name);
      assert.equal(line["ratio/mean"], 1, "one step on what was just sampled");
      assert.ok(line["sampler_vs_trainer/max"]! < 1e-4);
    }
    assert.ok(
      metrics.slice(1).some((m) => m["grad_norm"]! > 0),
      "something was learnt from",
    );
    assert.equal(loadModel(summary.model).config.layers, 1);
    await run("second", configure());
    assert.equal(bytes("second", "metrics.jsonl"), bytes("first", "metrics.jsonl"));
    assert.equal(bytes("second", "model/model.safetensors"), bytes("first", "model/model.safetensors"));
  });

  it("goes on after a stop at any iteration as if it had never stopped", async () => {
    for (const stopAfter of [1, 3]) {
      const controller = new AbortController();
      const name = `stopped-${stopAfter}`;
      const stopped = await run(name, configure(), {
        signal: controller.signal,
        onIteration: ({ iteration }) => iteration === stopAfter && controller.abort(),
      });
      assert.deepEqual([stopped.finished, stopped.iterations], [false, stopAfter]);
      await run(name, configure(), { resume: true });
      assert.equal(bytes(name, "metrics.jsonl"), bytes("first", "metrics.jsonl"));
      assert.equal(bytes(name, "model/model.safetensors"), bytes("first", "model/model.safetensors"));
    }
  });

  it("gives the same bits with workers", async () => {
    await run("workers", configure({ workers: 2 }));
    assert.equal(bytes("workers", "metrics.jsonl"), bytes("first", "metrics.jsonl"));
  });

  it("runs every protocol detail of the thesis: marginals, three steps, weighted queries, KL", async () => {
    const config = configure({ preset: "thesis", groups: { tasks: 1 }, iterations: 2 });
    await run("thesis", config);
    const metrics = new RunFolder(join(root, "thesis")).metrics<Record<string, number>>().at(-1)!;
    assert.equal(metrics["optimiser_steps"], 3);
    assert.ok("kl_ref" in metrics);
    assert.ok(metrics["ratio/max"]! >= 1);
  });

  it("trains an adapter, with the base as its reference", async () => {
    const summary = await run("adapter", configure({ lora: { rank: 2, alpha: 4 }, iterations: 2 }));
    assert.ok(existsSync(join(summary.model, "adapter_model.safetensors")));
  });

  it("refuses to go on with another configuration, and unknown keys", async () => {
    await assert.rejects(run("first", configure({ seed: 5 }), { resume: true }), /another configuration/);
    assert.throws(() => configure({ lerning_rate: 1 }), /lerning_rate/);
    assert.throws(() => configure({ update: { learningRate: -1 } }), /update.learningRate/);
    assert.throws(() => configure({ preset: "grop" }), /no algorithm "grop"/);
  });
});
