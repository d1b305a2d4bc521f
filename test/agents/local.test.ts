import { strict as assert } from "node:assert";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentNamed, agentNames, fingerprintOf, folderAgent } from "../../lib/agents/index.js";
import { stream } from "../../lib/base/index.js";
import {
  initModel,
  loadModel,
  saveAdapter,
  saveModel,
  saveTokenizer,
  trainByteLevelBpe,
} from "../../lib/model/index.js";
import {
  buildCatalogue,
  type DiskCatalogue,
  openCatalogue,
  openEnvironment,
  recipeSource,
} from "../../lib/simulator/index.js";
import { freshAdapter } from "../../lib/policy/index.js";
import { readRecord } from "../../lib/records/index.js";
import { aisle, aisleProcess, type Run } from "../cli/run.js";

describe("an agent of a model folder", function () {
  this.timeout(120_000);
  let root: string;
  let shop: DiskCatalogue;

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "aisle-local-"));
    await buildCatalogue(recipeSource({ products: 200, seed: 8 }), join(root, "shop"));
    shop = openCatalogue(join(root, "shop"));
    const texts = Array.from({ length: shop.goalCount }, (_, i) => shop.goal(i).instruction);
    const tokenizer = trainByteLevelBpe(texts, 600);
    const size = Object.keys(tokenizer.model.vocab).length + tokenizer.added_tokens.length;
    const model = initModel(
      {
        vocabSize: size,
        hiddenSize: 16,
        intermediateSize: 16,
        layers: 2,
        heads: 2,
        keyValueHeads: 2,
        headDim: 8,
        maxPositions: 1500,
        rmsNormEps: 1e-6,
        ropeTheta: 1e6,
        tiedEmbeddings: true,
        initializerRange: 0.3,
        eosTokenIds: [],
      },
      1,
    );
    saveModel(join(root, "model"), model);
    saveTokenizer(join(root, "model"), tokenizer, { maxLength: 1500 });
  });
  after(() => {
    shop.close();
    rmSync(root, { recursive: true, force: true });
  });

  it("plays episodes that depend on the goal's stream alone", async () => {
    const agent = await folderAgent("tiny", join(root, "model"), "", { maxTokens: 8 });
    assert.equal(agent.model!.backend, "wasm");
    const environment = openEnvironment(shop);
    const play = (goal: number, seed: number): ReturnType<typeof agent.play> =>
      agent.play(environment, goal, stream(seed, "evaluate", goal));
    const one = await play(3, 0);
    await play(4, 0);
    assert.deepEqual(await play(3, 0), one);
    assert.ok(one.steps.length > 0 && one.steps[0]!.action.startsWith("search["));
    assert.notDeepEqual(await play(3, 1), one);
  });

  it("has a fingerprint that changes with any file that decides its answers, and with no other", () => {
    const folder = join(root, "model");
    const before = fingerprintOf(folder);
    writeFileSync(join(folder, "README.md"), "words");
    assert.equal(fingerprintOf(folder), before);
    copyFileSync(join(folder, "config.json"), join(folder, "generation_config.json"));
    assert.notEqual(fingerprintOf(folder), before);
    rmSync(join(folder, "generation_config.json"));
  });

  it("says how to get a model that is not there", async () => {
    await assert.rejects(folderAgent("x", join(root, "none"), "train one"), {
      name: "InputError",
      message: /There is no model in .*none for the agent "x": train one\./,
    });
  });

  it("plays a model that was pulled by its name, as the prompted agent does, and an adapter of one (A8)", async () => {
    const commit = "0123456789abcdef0123456789abcdef01234567";
    const cached = join(root, "home", "hub", "models--acme--tiny");
    cpSync(join(root, "model"), join(cached, "snapshots", commit), { recursive: true });
    mkdirSync(join(cached, "refs"));
    writeFileSync(join(cached, "refs", "main"), commit);
    const { config } = loadModel(join(root, "model"));
    const kind = { rank: 2, alpha: 4, dropout: 0, targets: ["q_proj"] as const, rankStabilised: false };
    saveAdapter(join(root, "lora"), freshAdapter(config, kind, 1), "acme/tiny");
    const play = (agent: string, model: string, home = "home"): Promise<Run> =>
      aisle(
        [
          ...["evaluate", "--agent", agent, "--model", model, "--data", join(root, "shop"), "--limit", "2"],
          ...["--runs", join(root, "runs"), "--json"],
        ],
        { HF_HOME: join(root, home) },
      );
    const runs = await Promise.all([
      play("policy", "acme/tiny"),
      play("prompted", "acme/tiny"),
      play("policy", join(root, "model")),
      play("policy", join(root, "lora")),
    ]);
    const records = runs.map(({ code, stdout, stderr }) => {
      assert.equal(code, 0, stderr);
      return readRecord((JSON.parse(stdout) as { record: string }).record);
    });
    const [byName, prompted, byFolder, adapter] = records.map(
      ({ identity }) => identity.models[0]!.fingerprint,
    );
    assert.equal(byName, fingerprintOf(join(root, "model")));
    for (const { identity } of records) assert.equal(identity.backend, "wasm");
    assert.deepEqual([prompted, byFolder], [byName, byName]);
    assert.ok(adapter!.endsWith(`+${byName}`));
    assert.equal(records[0]!.identity.models[0]!.name, "acme/tiny");
    // A fresh adapter changes nothing, so that it buys what its base buys.
    assert.deepEqual(records[3]!.results, records[2]!.results);
    assert.deepEqual(records[0]!.results, records[2]!.results);
    const missing = await Promise.all([
      play("policy", "acme/tiny", "none"),
      play("policy", join(root, "lora"), "none"),
    ]);
    for (const { code, stderr } of missing) {
      assert.equal(code, 2);
      assert.match(stderr, /run "aisle model pull acme\/tiny"/);
    }
  });

  it("plays where AISLE_BACKEND says, and its record says which", async () => {
    const flags = ["--agent", "policy", "--model", join(root, "model"), "--data", join(root, "shop")];
    const args = ["evaluate", ...flags, "--limit", "1", "--runs", join(root, "runs"), "--json"];
    const [native, none] = await Promise.all(
      ["native", "abacus"].map((backend) => aisleProcess(args, { AISLE_BACKEND: backend })),
    );
    const record = (path: string): string => readRecord(path).identity.backend;
    if (native!.code === 0)
      assert.equal(record((JSON.parse(native!.stdout) as { record: string }).record), "native");
    else assert.match(native!.stderr, /backend native is not present/);
    assert.equal(none!.code, 2);
    assert.match(none!.stderr, /no backend "abacus"; AISLE_BACKEND may be/);
  });

  it("is known by name for the shipped models", async () => {
    for (const name of ["prompted", "il"]) {
      assert.ok(agentNames().includes(name));
      const agent = await agentNamed(name);
      assert.equal(agent.name, name);
      assert.match(agent.model!.fingerprint, /^[0-9a-f]{64}$/);
    }
  });
});
