import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stream } from "../../lib/base/index.js";
import { advantagesOf, type Group } from "../../lib/grpo/index.js";
import {
  agentOf,
  loadPlugins,
  parseGrpoRun,
  planSweep,
  recordRun,
  RunFolder,
  runGrpo,
  takePlugins,
  withSettings,
} from "../../lib/runs/index.js";
import { aisle, aisleProcess } from "../cli/run.js";
import { saveTinyModel, tinyRun, tinyShop } from "./tiny-run.js";

describe("a file of one's own", function () {
  this.timeout(120_000);
  // Outside the project: a plugin finds nothing there but what it is handed.
  const root = mkdtempSync(join(tmpdir(), "aisle-plugins-"));
  const environment = tinyShop();
  const runs = join(root, "runs");
  before(() => saveTinyModel(join(root, "start"), environment));
  after(() => rmSync(root, { recursive: true, force: true }));

  /** The code that a guide prints, word for word, in a file of its own. */
  function printed(guide: string): string {
    const text = readFileSync(`docs/guides/your-own-${guide}.md`, "utf8");
    const code = /<!-- example: [\s\S]*?```ts\n([\s\S]*?)```/.exec(text)![1]!;
    const file = join(root, `${guide}.ts`);
    writeFileSync(file, code);
    return file;
  }

  it("adds an agent to the command line, and its checksum to what it makes", async () => {
    const file = printed("agent");
    const flags = ["evaluate", "--agent", "second", "--limit", "4", "--runs", runs, "--json"];
    const without = await aisle(flags);
    assert.deepEqual([without.code, without.stdout], [2, ""]);
    assert.match(without.stderr, /There is no agent "second"/);
    const first = await aisleProcess([...flags, "--plugin", file]);
    assert.equal(first.code, 0, first.stderr);
    const made = JSON.parse(first.stdout) as { record: string; goals: number };
    assert.equal(made.goals, 4);
    const { settings } = (
      JSON.parse(readFileSync(join(made.record, "record.json"), "utf8")) as {
        identity: { agent: { settings: { plugin: Record<string, string> } } };
      }
    ).identity.agent;
    assert.match(settings.plugin["agent.ts"]!, /^[0-9a-f]{64}$/);
    writeFileSync(file, `${readFileSync(file, "utf8")}\n// another state\n`);
    const second = await aisleProcess([...flags, "--plugin", file]);
    assert.notEqual((JSON.parse(second.stdout) as { record: string }).record, made.record);
  });

  it("adds a model that takes both decisions", async () => {
    await loadPlugins([printed("model")]);
    const agent = await (await agentOf("parrot"))(0);
    const { steps } = await agent.play(environment, 3, stream(0, "docs"));
    assert.match(steps[0]!.action, /^search\[a big /);
    assert.equal(steps.at(-1)!.action, "click[buy now]");
  });

  it("adds an estimator and a reward, which train; the run and its record name the files", async () => {
    const files = [printed("algorithm"), printed("reward")];
    await loadPlugins(files);
    const settings = { advantage: { estimator: "median", factor: 2 }, reward: { terms: { brevity: {} } } };
    const config = tinyRun(join(root, "start"), { ...settings, name: "own", iterations: 1 });
    const out = join(root, "own");
    await runGrpo({ config, environment, out, resume: false });
    const line = new RunFolder(out).metrics<Record<string, number>>().at(-1)!;
    assert.ok(line["reward/brevity"]! < 0 && line["reward/brevity"]! >= -0.2);
    const { record } = await recordRun({ folder: out, environment, runs });
    for (const name of ["algorithm.ts", "reward.ts"])
      assert.match(record.identity.plugins![name]!, /^[0-9a-f]{64}$/);
    const { code, stderr } = await aisleProcess(["record", "--check", record.path]);
    assert.equal(code, 2);
    assert.match(stderr, /was made with the plugin algorithm.ts: give it with --plugin/);

    const rollout = (value: number): Group["rollouts"][number] => ({
      turns: [{ reward: 0 } as Group["rollouts"][number]["turns"][number]],
      return: value,
      success: value === 1,
      score: value,
    });
    const group = { task: "t", rollouts: [1, 0, 0.5, 0].map(rollout) };
    assert.deepEqual(advantagesOf([group], config.learner.advantage)[0], [[1.5], [-0.5], [0.5], [-0.5]]);
    const wrong = { advantage: { estimator: "median", scale: "group" } };
    assert.throws(() => tinyRun("x", wrong), /scale would change nothing with estimator median/);
  });

  it("is named by a configuration or a sweep, and its state is part of a sweep's run", async () => {
    const file = join(root, "grpo.json");
    const value = { kind: "evaluate", agent: "second", plugin: "./agent.ts" };
    printed("agent");
    assert.deepEqual(takePlugins(value, file), {
      value: { kind: "evaluate", agent: "second" },
      plugins: [join(root, "agent.ts")],
    });
    const sweep = { kind: "sweep", name: "own", base: { kind: "evaluate", agent: "rule" }, seeds: [0] };
    const [plain] = (await planSweep(sweep)).runs;
    const [own] = (await planSweep(sweep, "s", { plugins: [join(root, "reward.ts")] })).runs;
    assert.deepEqual(own!.plugins, [join(root, "reward.ts")]);
    assert.notEqual(own!.id, plain!.id);
    const [set] = (await planSweep(sweep, "s", { settings: ["goals=7"] })).runs;
    assert.equal(set!.config["goals"], 7);
  });

  it("is refused in a sentence when it is not there, is no plugin, or fails", async () => {
    await assert.rejects(loadPlugins([join(root, "none.ts")]), /There is no plugin .*none\.ts/);
    const write = (name: string, text: string): string => {
      writeFileSync(join(root, name), text);
      return join(root, name);
    };
    await assert.rejects(
      loadPlugins([write("empty.ts", "export const x = 1;")]),
      /its default export should be/,
    );
    await assert.rejects(
      loadPlugins([write("broken.ts", "export default () => { throw new Error('no'); };")]),
      /The plugin .*broken\.ts cannot be loaded: no\./,
    );
  });
});

describe("a setting over a configuration", () => {
  const file = "configs/grpo.json";
  const with_ = (...settings: string[]): ReturnType<typeof parseGrpoRun> =>
    parseGrpoRun(withSettings(JSON.parse(readFileSync(file, "utf8")), settings, file), file);

  it("is checked like the file, and an unknown key is met with the one that it is like", () => {
    const run = with_(
      "update.learningRate=1e-4",
      "iterations=3",
      "name=mine",
      'objective.clip={"low":0.2,"high":0.4}',
    );
    assert.equal(run.learner.update.learningRate, 1e-4);
    assert.deepEqual([run.iterations, run.name, run.learner.objective.clip?.high], [3, "mine", 0.4]);
    assert.throws(() => with_("update.learningrate=1"), /learningrate.*Did you mean "learningRate"\?/);
    assert.throws(() => with_("iteration=3"), /Did you mean "iterations"\?/);
    assert.throws(() => with_("iterations=many"), /In configs\/grpo\.json, iterations: /);
    assert.throws(() => with_("preset=gpro"), /There is no algorithm "gpro".*Did you mean "grpo"\?/);
    assert.throws(() => with_("iterations"), /"iterations" is no setting/);
  });

  it("is taken by the command line, which also knows what was meant", async () => {
    const train = await aisle(["train", file, "--set", "update.learningrate=1"]);
    assert.deepEqual([train.code, train.stdout], [2, ""]);
    assert.match(train.stderr, /Did you mean "learningRate"\?/);
    const meant: [RegExp, string[]][] = [
      [/Did you mean --agent\?/, ["evaluate", "--agnt", "rule"]],
      [/Did you mean "rule"\?/, ["evaluate", "--agent", "rul"]],
      [/Did you mean evaluate\?/, ["evalute"]],
      [/Say who plays/, ["evaluate"]],
    ];
    for (const [said, flags] of meant) {
      const { code, stderr } = await aisle(flags);
      assert.equal(code, 2, stderr);
      assert.match(stderr, said);
    }
  });
});
