import { strict as assert } from "node:assert";
import { cpSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { storedTypes } from "../../lib/model/index.js";
import {
  metricsOf,
  modelOf,
  readTrainingRecord,
  type TrainingRecord,
  trainingRecords,
} from "../../lib/records/index.js";
import {
  agentOf,
  checkTrainingRecord,
  evaluate,
  recordRun,
  RunFolder,
  runGrpo,
} from "../../lib/runs/index.js";
import { learningPairs, mainAgents, mainAgentsIn, mainResults } from "../../lib/results/index.js";
import { saveTinyModel, tinyRun, tinyShop } from "./tiny-run.js";

describe("a training record", function () {
  this.timeout(60_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-training-record-"));
  const start = join(root, "start");
  const runs = join(root, "runs");
  const environment = tinyShop();
  const run = async (folder: string, more: object = {}): Promise<string> => {
    const out = join(root, folder);
    await runGrpo({ config: tinyRun(start, more), environment, out, resume: false });
    return out;
  };
  const keep = (folder: string, more: object = {}): ReturnType<typeof recordRun> =>
    recordRun({ folder: join(root, folder), environment, kept: "last", runs, ...more });
  let record: TrainingRecord;

  before(async () => {
    saveTinyModel(start, environment);
    await run("grpo-0", { name: "grpo", iterations: 2 });
    await run("grpo-1", { name: "grpo", iterations: 2, seed: 1 });
    ({ record } = await keep("grpo-0"));
    await keep("grpo-1");
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  it("holds configuration, foundations, metrics and the model in bfloat16", () => {
    assert.equal(record.identity.name, "grpo");
    assert.equal(record.identity.backend, "wasm");
    assert.equal(record.identity.data.fingerprint, environment.catalogue.fingerprint);
    assert.equal(record.iteration, 2);
    assert.deepEqual(metricsOf(record), new RunFolder(join(root, "grpo-0")).metrics());
    assert.deepEqual(storedTypes(modelOf(record)!), ["BF16"]);
    assert.deepEqual(
      trainingRecords(runs).map(({ identity }) => [identity.name, identity.seed]),
      [
        ["grpo", 0],
        ["grpo", 1],
      ],
    );
  });

  it("is left alone when it is made again, and is another one for the best model", async () => {
    const provenance = readFileSync(join(record.path, "provenance.json"), "utf8");
    assert.equal((await keep("grpo-0")).outcome, "same");
    assert.equal(readFileSync(join(record.path, "provenance.json"), "utf8"), provenance);
    const elsewhere = join(root, "best");
    const best = await keep("grpo-0", { kept: "best", runs: elsewhere });
    assert.notEqual(best.record.id, record.id);
    assert.equal(best.record.iteration, new RunFolder(join(root, "grpo-0")).progress()!.best!.iteration);
  });

  it("is not made of a run that is unfinished, or that does not come out again", async () => {
    await assert.rejects(keep("nowhere"), /no training run/);
    const edited = join(root, "edited");
    cpSync(join(root, "grpo-0"), edited, { recursive: true });
    const lines = readFileSync(join(edited, "metrics.jsonl"), "utf8");
    writeFileSync(
      join(edited, "metrics.jsonl"),
      lines.replace(/"return\/mean":[\d.]+/, '"return/mean":0.99'),
    );
    await assert.rejects(keep("edited"), /metrics.jsonl was changed since it was written/);
    rmSync(join(edited, "model"), { recursive: true });
    await assert.rejects(keep("edited"), /2 of 2 iterations: finish it with --resume/);
    const file = join(edited, "progress.json");
    const progress = readFileSync(file, "utf8");
    writeFileSync(file, progress.replace('"iteration": 2', '"iteration": 1'));
    await assert.rejects(keep("edited"), /progress.json was changed since it was written/);
    writeFileSync(file, progress);
    writeFileSync(join(edited, "config.json"), "{}");
    await assert.rejects(keep("edited"), /config.json, kind: nothing is no kind of training/);
  });

  it("can be checked: its first iteration comes out again", async () => {
    await checkTrainingRecord(record, environment);
    const config = { ...record.identity.config, seed: 5 };
    const other = { ...record, identity: { ...record.identity, config } };
    await assert.rejects(checkTrainingRecord(other, environment), /gives other metrics/);
  });

  it("gives an evaluation the checkpoint of each seed", async () => {
    const goals = { first: 0, count: 5 };
    const agent = await agentOf("grpo", { runs });
    const { record: played } = await evaluate({
      agent,
      environment,
      split: "test",
      goals,
      seeds: [0, 1],
      runs,
    });
    assert.deepEqual(
      played.identity.models.map(({ name }) => name),
      trainingRecords(runs).map(({ id }) => id),
    );
    assert.notEqual(played.identity.models[0]!.fingerprint, played.identity.models[1]!.fingerprint);
    const greedy = await (await agentOf("grpo", { runs, temperature: 0 }))(0);
    assert.equal(greedy.name, "grpo:t0");
    assert.equal(greedy.settings["temperature"], 0);
    const any = await (await agentOf("policy", { model: modelOf(record)! }))(0);
    assert.equal(any.model!.fingerprint, played.identity.models[0]!.fingerprint);
    await assert.rejects(agent(7), /no training record with seed 7; there are 0, 1/);
    await assert.rejects(agent(0, "another shop"), /learnt in another shop/);
    await assert.rejects(agentOf("nobody", { runs }), /there are rule.*, grpo, policy/);
    await assert.rejects(agentOf("policy"), /needs the folder/);
    await assert.rejects(agentOf("rule", { temperature: 1 }), /no temperature/);
    await assert.rejects(agentOf("il", { model: start }), /Only the agent "policy"/);
  });

  it("puts its family into the main table and among the questions, an ablation's not", async () => {
    const { record: other } = await keep("grpo-0", { runs: join(root, "other") });
    assert.equal(other.id, record.id);
    const expected = mainAgentsIn(runs);
    assert.deepEqual(expected, [...mainAgents, { agent: "grpo", seeds: [0, 1], start: "il" }]);
    const shop = { fingerprint: "x", products: 1, goals: 1, test: { first: 0, count: 1 } };
    const pairs = learningPairs(mainResults(shop, runs)).map((pair) => pair.join(" "));
    assert.ok(pairs.includes("grpo il") && !pairs.includes("il il"));
    await run("odd", { name: "grpo-high-rate", iterations: 1 });
    await keep("odd", { runs: join(root, "other") });
    assert.deepEqual(mainAgentsIn(join(root, "other")), [
      ...mainAgents,
      { agent: "grpo", seeds: [0], start: "il" },
    ]);
    const asked = learningPairs(mainResults(shop, join(root, "other"))).flat();
    assert.ok(asked.includes("grpo") && !asked.includes("grpo-high-rate"));
  });

  it("keeps an adapter alone, and plays with the base that it names", async () => {
    await run("lora", { name: "lora", iterations: 1, lora: { rank: 2, alpha: 4 } });
    const elsewhere = join(root, "lora-runs");
    const { record: adapted } = await keep("lora", { runs: elsewhere });
    assert.ok(!("model/model.safetensors" in adapted.files));
    const agent = await (await agentOf("lora", { runs: elsewhere }))(0);
    assert.match(agent.model!.fingerprint, /^[0-9a-f]{64}\+[0-9a-f]{64}$/);
    const own = await (await agentOf("policy", { model: join(root, "lora/model") }))(0);
    const goal = 3;
    const { stream } = await import("../../lib/base/index.js");
    assert.deepEqual(
      (await agent.play(environment, goal, stream(0, "x"))).steps,
      (await own.play(environment, goal, stream(0, "x"))).steps,
    );
  });

  const spoil = (name: string, change: (folder: string) => void, message: RegExp): void => {
    it(`is refused when ${name}`, () => {
      const folder = join(root, "spoilt", record.id);
      cpSync(record.path, folder, { recursive: true });
      try {
        change(folder);
        assert.throws(() => trainingRecords(join(root, "spoilt")), { name: "InputError", message });
      } finally {
        rmSync(join(root, "spoilt"), { recursive: true, force: true });
      }
    });
  };
  const edit = (file: string, from: RegExp | string, to: string) => (folder: string) => {
    const text = readFileSync(join(folder, file), "latin1");
    assert.notEqual(text.replace(from, to), text);
    writeFileSync(join(folder, file), text.replace(from, to), "latin1");
  };
  spoil("its metrics were changed", edit("metrics.jsonl", /0\./, "1."), /metrics.jsonl is not the one/);
  spoil(
    "its configuration was changed",
    edit("record.json", '"iterations": 2', '"iterations": 3'),
    /its key/,
  );
  spoil("its seed was changed", edit("record.json", '"seed": 0', '"seed": 4'), /its key/);
  spoil("a field is unknown", edit("record.json", '"format": 2', '"format": 2, "x": 1'), /Unrecognized key/);
  spoil(
    "a file is missing",
    (f) => rmSync(join(f, "model/model.safetensors")),
    /model.safetensors is missing/,
  );
  spoil("its iteration was changed", edit("record.json", '"iteration": 2', '"iteration": 1'), /its seal/);
  spoil("its folder was renamed", (f) => renameSync(f, `${f}x`), /its folder should be named/);

  it("is refused for playing when the start model has changed, and a second one of its seed", async () => {
    assert.equal(existsSync(start), true);
    const copy = join(root, "start-before");
    cpSync(start, copy, { recursive: true });
    saveTinyModel(start, environment, 9);
    const agent = await agentOf("grpo", { runs });
    await assert.rejects(agent(0), /the model that it began from, .*, has changed/);
    await assert.rejects(keep("grpo-0"), /cannot be used: the model that it began from/);
    const again = join(root, "grpo-0");
    await assert.rejects(
      runGrpo({
        config: tinyRun(start, { name: "grpo", iterations: 2 }),
        environment,
        out: again,
        resume: true,
      }),
      /has changed since/,
    );
    rmSync(start, { recursive: true });
    renameSync(copy, start);
    await keep("grpo-0", { kept: "best" });
    await assert.rejects(agentOf("grpo", { runs }), /two training records of grpo with seed 0/);
    assert.ok(readTrainingRecord(record.path));
  });
});
