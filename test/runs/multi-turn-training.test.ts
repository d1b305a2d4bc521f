import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type GrpoRun, RunFolder, runGrpo } from "../../lib/runs/index.js";
import { saveTinyModel, tinyRun, tinyShop } from "./tiny-run.js";

describe("a multi-turn run", function () {
  this.timeout(120_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-multi-turn-run-"));
  const model = join(root, "model");
  const environment = tinyShop();
  before(() => saveTinyModel(model, environment));
  after(() => rmSync(root, { recursive: true, force: true }));

  const configure = (more: object = {}): GrpoRun =>
    tinyRun(model, {
      protocol: "multi-turn",
      multiTurn: { maxSteps: 2 },
      preset: "gigpo",
      reward: { invalidPenalty: 0.1 },
      iterations: 3,
      evaluate: { every: 3, goals: 2 },
      ...more,
    });
  const metricsOf = (name: string): Record<string, number>[] => new RunFolder(join(root, name)).metrics();
  const text = (name: string): string => readFileSync(join(root, name, "metrics.jsonl"), "utf8");
  const run = (name: string, config: GrpoRun, more: Partial<Parameters<typeof runGrpo>[0]> = {}) =>
    runGrpo({ config, environment, out: join(root, name), resume: false, ...more });

  it("learns on the policy that sampled, and says how states repeat", async () => {
    assert.equal((await run("first", configure())).finished, true);
    for (const line of metricsOf("first").slice(1)) {
      assert.equal(line["ratio/mean"], 1);
      assert.ok(line["sampler_vs_trainer/max"]! < 1e-4);
      assert.equal(line["steps/mean"], 2);
      assert.ok(line["anchor/mean_size"]! > 1, "all begin on the same page");
      for (const name of ["adv_step/share", "adv_step/abs_mean", "adv_episode/abs_mean"]) {
        assert.ok(Number.isFinite(line[name]), name);
      }
    }
  });

  it("goes on after a stop as if it had never stopped, with a worker too", async () => {
    const controller = new AbortController();
    await run("stopped", configure({ workers: 1 }), {
      signal: controller.signal,
      onIteration: ({ iteration }) => iteration === 2 && controller.abort(),
    });
    assert.equal((await run("stopped", configure({ workers: 1 }), { resume: true })).finished, true);
    assert.equal(text("stopped"), text("first"));
  });

  it("has the same roll-outs with every estimator, and other updates", async () => {
    await run("grpo", configure({ preset: "grpo", iterations: 1, evaluate: { every: 1, goals: 2 } }));
    const [ours, other] = [metricsOf("grpo")[1]!, metricsOf("first")[1]!];
    assert.equal(ours["response_len/mean"], other["response_len/mean"]);
    assert.equal(ours["anchor/mean_size"], other["anchor/mean_size"]);
    assert.ok(!("adv_step/share" in ours));
  });

  it("forks episodes as ARPO does", async () => {
    const multiTurn = { maxSteps: 2, branching: { initial: 1, probability: 1 } };
    await run("arpo", configure({ preset: "grpo", multiTurn, iterations: 1 }));
    const [forked, whole] = [metricsOf("arpo")[1]!, metricsOf("grpo")[1]!];
    assert.ok(Number.isFinite(forked["grad_norm"]));
    // Two steps an episode; a group that forks from one episode takes its first step once for all.
    const { rollouts, env_steps: steps } = whole as { rollouts: number; env_steps: number };
    assert.equal(steps, 2 * rollouts);
    const groups = configure().learner.groups.tasks;
    assert.equal(forked["rollouts"], rollouts);
    assert.ok(
      forked["env_steps"]! < steps && forked["env_steps"]! >= groups + rollouts,
      `${forked["env_steps"]}`,
    );
  });

  it("learns with a critic, which goes on with the run", async () => {
    const config = configure({ preset: "ppo" });
    await run("ppo", config);
    const last = metricsOf("ppo").at(-1)!;
    assert.ok(Number.isFinite(last["explained_variance"]) && last["loss/value"]! >= 0);
    const controller = new AbortController();
    await run("ppo-stopped", config, {
      signal: controller.signal,
      onIteration: ({ iteration }) => iteration === 1 && controller.abort(),
    });
    await run("ppo-stopped", config, { resume: true });
    assert.equal(text("ppo-stopped"), text("ppo"));
  });

  it("refuses what cannot mean anything", () => {
    assert.throws(() => configure({ protocol: "two-decision" }), /multiTurn is for protocol multi-turn/);
    assert.throws(
      () => configure({ protocol: "two-decision", multiTurn: undefined }),
      /set protocol to multi-turn/,
    );
    assert.throws(() => configure({ multiTurn: { maxstep: 3 } }), /multiTurn: .*maxstep/);
    assert.throws(() => configure({ multiTurn: { branching: { initial: 3 } } }), /less than groups.size/);
    assert.throws(
      () => configure({ update: { learningRate: 1e-3, miniBatchRows: 4, schedule: "cosine" } }),
      /set update.schedule to constant/,
    );
    assert.throws(
      () => configure({ preset: "grpo", advantage: { similarity: 0.9 } }),
      /similarity would change nothing/,
    );
  });
});
