/** Plugins where their code runs in another process: a sweep's, a notebook's; and a kind of run that only a plugin knows. */
import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { aisleProcess as aisle } from "../../cli/run.js";
import { TestKernel, textOf } from "../../notebook/helpers.js";

const PLUGIN = `export default (aisle) => {
  aisle.registerAgent("first", () => ({
    name: "first",
    settings: {},
    play(environment, goal) {
      const episode = new aisle.Episode(environment, goal);
      episode.act(aisle.searchAction(episode.goal.instruction));
      const [first] = aisle.resultsOn(environment, episode.state);
      if (first) {
        episode.act(aisle.clickAction(first.asin.toLowerCase()));
        episode.act(aisle.clickAction("buy now"));
      }
      return episode.trajectory("first");
    },
  }));
  const { grpo } = aisle.runKinds;
  const asGrpo = (value) => ({ ...value, kind: "grpo" });
  aisle.registerRunKind({
    ...grpo,
    kind: "patient",
    parse: (value, where) => grpo.parse(asGrpo(value), where),
    resolved: (value, where) => grpo.resolved(asGrpo(value), where),
  });
};
`;

describe("a file of one's own in other processes", function () {
  this.timeout(300_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-own-"));
  const [file, shop, runs] = [join(root, "own.ts"), join(root, "shop"), join(root, "runs")];
  const kernel = new TestKernel();
  after(() => rmSync(root, { recursive: true, force: true }));
  before(async () => {
    writeFileSync(file, PLUGIN);
    const { code, stderr } = await aisle(["data", "make", "--products", "300", "--out", shop]);
    assert.equal(code, 0, stderr);
  });

  it("plays in the processes of a sweep", async () => {
    const sweep = join(root, "sweep.json");
    const base = { kind: "evaluate", agent: "rule", split: "test", goals: 6, data: shop };
    writeFileSync(
      sweep,
      JSON.stringify({
        kind: "sweep",
        name: "own",
        plugin: "./own.ts",
        base,
        grid: { agent: ["rule", "first"] },
        seeds: [0],
      }),
    );
    const { code, stdout, stderr } = await aisle([
      "sweep",
      sweep,
      "--processes",
      "2",
      "--runs",
      runs,
      "--json",
    ]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /first/);
    const listed = await aisle(["records", "--runs", runs]);
    assert.match(listed.stdout, /^own-first|first-test/m);
  });

  it("adds a kind of run, which trains, is recorded and plays", async () => {
    const config = join(root, "patient.json");
    writeFileSync(
      config,
      JSON.stringify({
        kind: "patient",
        name: "patient",
        plugin: "./own.ts",
        model: "data/models/il",
        data: shop,
        preset: "dr_grpo",
        groups: { tasks: 2, size: 3 },
        sampling: { temperature: 0.7, maxTokens: 12 },
        update: { learningRate: 1e-4 },
        iterations: 1,
        evaluate: { every: 1, goals: 4 },
        checkpoint: 1,
        workers: 0,
      }),
    );
    const out = join(root, "run");
    const own = ["--plugin", file];
    const trained = await aisle(["train", config, "--out", out]);
    assert.equal(trained.code, 0, trained.stderr);
    const without = await aisle(["record", out, "--runs", runs]);
    assert.equal(without.code, 2);
    assert.match(without.stderr, /made with the plugin own\.ts: give it with --plugin/);
    const recorded = await aisle(["record", out, "--runs", runs, ...own]);
    assert.equal(recorded.code, 0, recorded.stderr);
    const played = await aisle([
      "evaluate",
      "--agent",
      "patient",
      "--limit",
      "4",
      "--data",
      shop,
      "--runs",
      runs,
      "--json",
      ...own,
    ]);
    assert.equal(played.code, 0, played.stderr);
    const { record } = JSON.parse(played.stdout) as { record: string };
    assert.match(readFileSync(join(record, "record.json"), "utf8"), /"name": ?"patient"/);
  });

  it("is loaded in a notebook's cell", async () => {
    const { status, outputs } = await kernel.run(`import { agentOf, loadPlugins } from "./lib/runs/index.js";
import { defaultCatalogue, openEnvironment } from "./lib/simulator/index.js";
import { stream } from "./lib/base/index.js";
await loadPlugins([${JSON.stringify(file)}]);
const agent = await (await agentOf("first"))(0, "");
const shop = openEnvironment(await defaultCatalogue(${JSON.stringify(shop)}));
const { steps } = await agent.play(shop, 3, stream(0, "docs"));
console.log(steps.at(-1)!.action);`);
    assert.equal(status, "ok", JSON.stringify(outputs));
    assert.match(textOf(outputs, "stdout"), /click\[buy now\]/);
  });
});
