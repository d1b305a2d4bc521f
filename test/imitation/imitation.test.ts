import { strict as assert } from "node:assert";
import { evaluateLoss } from "../../lib/objective/index.js";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  measureModel,
  parseImitationConfig,
  sequencesOf,
  supervisedLoss,
  type ImitateConfig,
  workFolder,
} from "../../lib/imitation/index.js";
import { stream } from "../../lib/base/index.js";
import { metricsOf, modelOf } from "../../lib/records/index.js";
import { agentOf, checkTrainingRecord, imitate, pretrain, recordRun } from "../../lib/runs/index.js";
import {
  buildCatalogue,
  type DiskCatalogue,
  openCatalogue,
  openEnvironment,
  recipeSource,
} from "../../lib/simulator/index.js";
import { tinyImitation, tinyPretraining } from "./tiny.js";

describe("imitation", function () {
  this.timeout(60000);
  let root: string;
  let shop: DiskCatalogue;
  const out = (name: string): string => join(root, name);
  const bytes = (folder: string, name = "model.safetensors"): Buffer => readFileSync(join(folder, name));

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "aisle-imitation-"));
    await buildCatalogue(recipeSource({ products: 400, seed: 5 }), join(root, "shop"));
    shop = openCatalogue(join(root, "shop"));
    await pretrain(tinyPretraining(out("base")), { cache: join(root, "cache") });
  });
  after(() => {
    shop.close();
    for (const name of ["base", "again", "il", "stopped", "whole"]) {
      rmSync(workFolder(out(name)), { recursive: true, force: true });
    }
    rmSync(root, { recursive: true, force: true });
  });

  const imitation = (name: string, more: Record<string, unknown> = {}): ImitateConfig =>
    tinyImitation(out(name), out("base"), more);

  it("pretrains to the same bytes each time, whatever the number of workers", async () => {
    await pretrain(tinyPretraining(out("again")), { cache: join(root, "cache"), workers: 2 });
    assert.deepEqual(bytes(out("again")), bytes(out("base")));
    assert.deepEqual(bytes(out("again"), "tokenizer.json"), bytes(out("base"), "tokenizer.json"));
  });

  it("goes on after an interruption to the same bytes", async () => {
    const whole = await imitate(imitation("whole"), shop);
    const controller = new AbortController();
    const config = imitation("stopped");
    const stopped = await imitate(config, shop, {
      signal: controller.signal,
      onStep: ({ step }) => step === 3 && controller.abort(),
    });
    assert.equal(stopped.interrupted, true);
    assert.equal(stopped.steps, 3);
    const resumed = await imitate(config, shop, { resume: true });
    assert.equal(resumed.interrupted, false);
    assert.deepEqual(resumed.measured, whole.measured);
    assert.deepEqual(bytes(out("stopped")), bytes(out("whole")));
  });

  it("learns: the dev loss falls", async () => {
    const config = imitation("il", { steps: 20, evaluateEvery: 5, optimizer: { learningRate: 3e-3 } });
    const { measured } = await imitate(config, shop);
    const losses = measured.map(({ values }) => values["loss"]!);
    assert.ok(losses.at(-1)! < losses[0]! - 0.3, losses.join(" "));
  });

  it("ends early when the dev loss stays where it is, with the best weights", async () => {
    const config = imitation("il", {
      steps: 60,
      evaluateEvery: 1,
      patience: 3,
      optimizer: { learningRate: 0.3 },
    });
    const { steps, measured } = await imitate(config, shop);
    assert.ok(steps < 60);
    const losses = measured.map(({ values }) => values["loss"]!);
    assert.equal(losses.indexOf(Math.min(...losses)), losses.length - 4);
  });

  it("trains an adapter and saves a model that holds it", async () => {
    const train = { rank: 2, alpha: 4, targets: ["q_proj", "v_proj"] };
    await imitate(imitation("il", { train, steps: 2, optimizer: { learningRate: 0.01 } }), shop);
    assert.ok(existsSync(join(out("il"), "adapter", "adapter_model.safetensors")));
    assert.notDeepEqual(bytes(out("il")), bytes(out("base")));
  });

  it("begins from random weights of any shape, with a tokenizer that fits", async () => {
    const from = { random: out("base"), tokenizer: out("base") };
    const train = { rank: 2, alpha: 4, targets: ["q_proj"] };
    const { steps } = await imitate(imitation("il", { from, train, steps: 3 }), shop);
    assert.equal(steps, 3);
    assert.notDeepEqual(bytes(out("il")), bytes(out("base")));
    const shape = JSON.parse(readFileSync(join(out("base"), "config.json"), "utf8")) as object;
    mkdirSync(join(root, "narrow"), { recursive: true });
    writeFileSync(join(root, "narrow", "config.json"), JSON.stringify({ ...shape, vocab_size: 300 }));
    await assert.rejects(
      imitate(imitation("il", { from: { ...from, random: join(root, "narrow") } }), shop),
      {
        name: "InputError",
        message: /has room for 300 tokens/,
      },
    );
  });

  it("exercises with prices beside the demonstrations", async () => {
    const told: string[] = [];
    const tasks = { query: { share: 0.2 }, price: { share: 1 }, reading: { share: 1 } };
    await imitate(imitation("il", { tasks, steps: 4 }), shop, {
      onStep: ({ losses }) => told.push(...Object.keys(losses)),
    });
    for (const task of ["price", "reading"]) assert.ok(told.includes(task), told.join());
  });

  it("measures the two decisions of a model", async () => {
    const { found, onPlain, onOwn, queries } = await measureModel(out("base"), shop, 12);
    assert.equal(queries.length, 12);
    assert.ok(
      found.plain > found.model,
      "a model that has seen five batches does not search as well as the words",
    );
    for (const on of [onPlain, onOwn]) {
      const lists = on.chosenAt.reduce((a, b) => a + b, 0);
      assert.equal(
        on.bestAt.reduce((a, b) => a + b, 0),
        lists,
      );
      const best = on.chosenAt.reduce((sum, n, i) => sum + (n === 0 ? 0 : n * on.bestWhereChosen[i]!), 0);
      assert.ok(Math.abs(best / lists - on.best) < 1e-9);
      assert.ok(on.reward <= on.rewardOfBest && on.bestOfChance > 0);
    }
  });

  it("refuses a checkpoint of another run", async () => {
    await imitate(imitation("il", { steps: 3 }), shop);
    await assert.rejects(imitate(imitation("il", { steps: 4 }), shop, { resume: true }), {
      name: "InputError",
      message: /was begun with another configuration/,
    });
  });

  it("leaves a training record, as every kind of run does, from which an agent plays", async () => {
    const config = imitation("recorded", { steps: 3, evaluateEvery: 2, checkpointEvery: 1 });
    const runs = join(root, "runs");
    try {
      await imitate(config, shop);
      const folder = workFolder(config.out);
      const environment = openEnvironment(shop);
      await assert.rejects(
        recordRun({ folder, environment, kept: "last", runs }),
        /keeps its best model alone/,
      );
      const { record } = await recordRun({ folder, environment, runs });
      assert.equal(record.identity.name, "recorded");
      assert.equal(record.identity.kept, "best");
      assert.deepEqual(record.identity.start.name, out("base"));
      assert.equal(modelOf(record), config.out, "a published model is pointed at, not copied");
      assert.deepEqual(Object.keys(record.files), ["metrics.jsonl"]);
      const lines = metricsOf(record);
      assert.equal(lines.length, 3);
      assert.ok("loss/query" in lines[0]! && "dev/loss" in lines[1]! && !("dev/loss" in lines[0]!));
      await checkTrainingRecord(record, environment);
      const other = { ...record, identity: { ...record.identity, config: { ...config, seed: 4 } } };
      await assert.rejects(
        checkTrainingRecord(other, environment),
        /The first step of .* gives other metrics/,
      );
      const agent = await (await agentOf("recorded", { runs }))(0, shop.fingerprint);
      const played = await agent.play(environment, 1, stream(0, "x"));
      assert.equal(played.goal, 1);
      writeFileSync(join(config.out, "generation_config.json"), "{}");
      await assert.rejects(checkTrainingRecord(record, environment), /has changed/);

      const pretrained = await recordRun({ folder: workFolder(out("base")), environment: null, runs });
      assert.equal(pretrained.record.identity.start.name, "random weights");
      const base = await (await agentOf("base", { runs }))(0, shop.fingerprint);
      assert.equal(base.model?.name, pretrained.record.id);
    } finally {
      rmSync(workFolder(config.out), { recursive: true, force: true });
    }
  });

  it("refuses demonstrations of goals that are not train goals of this shop", async () => {
    const { demonstrationsFor, writeDemonstrations } = await import("../../lib/imitation/index.js");
    const { train } = demonstrationsFor(imitation("il"), shop);
    const file = join(root, "leak.jsonl");
    writeDemonstrations(file, [{ ...train[0]!, from: { ...train[0]!.from, goal: 0 } }]);
    await assert.rejects(imitate(imitation("il", { demonstrations: file }), shop), {
      name: "InputError",
      message: /not a train goal/,
    });
  });
});

describe("a configuration of training", () => {
  const good = {
    kind: "imitate",
    out: "x",
    from: "y",
    optimizer: { learningRate: 1e-3 },
    teachers: { goals: 10 },
    steps: 1,
    tokens: 100,
  };

  it("is completed", () => {
    const config = parseImitationConfig({ ...good, tasks: {} });
    assert.equal(config.kind, "imitate");
    assert.deepEqual("tasks" in config && config.tasks, {
      query: { share: 1, weight: 1 },
      select: { share: 1, weight: 1 },
      act: { share: 0, weight: 1 },
      price: { share: 0, weight: 1 },
      reading: { share: 0, weight: 1 },
    });
  });

  for (const [what, value, message] of [
    ["an unknown key", { ...good, tasks: {}, learningRate: 1 }, /learningRate/],
    ["an unknown key inside", { ...good, tasks: {}, optimizer: { learningRate: 1, lr: 1 } }, /optimizer.*lr/],
    ["a missing key", { ...good, tasks: {}, from: undefined }, /from/],
    ["no task", { ...good, tasks: { query: { share: 0 }, select: { share: 0 } } }, /no task has/],
    ["another kind", { ...good, kind: "x" }, /kind/],
    ["nothing", null, /the configuration/],
  ] as const) {
    it(`with ${what} is refused`, () => {
      assert.throws(() => parseImitationConfig(value), { name: "InputError", message });
    });
  }
});

describe("the supervised loss", () => {
  it("is the weighted mean of −log p, with its derivatives", () => {
    const row = (weight: number, weights: number[]): Parameters<typeof supervisedLoss>[0][number] => ({
      task: "query",
      weight,
      prompt: [1],
      completions: [{ ids: weights.map(() => 1), weights }],
    });
    const rows = [row(1, [0.5, 0.5]), row(3, [1])];
    const scores = [
      { logProbs: [-1, -2], entropies: [0, 0] },
      { logProbs: [-4], entropies: [0] },
    ];
    const { loss, logProbGradients } = evaluateLoss(supervisedLoss(rows), scores);
    assert.equal(loss, (1 * 1.5 + 3 * 4) / 4);
    assert.deepEqual(logProbGradients, [[-0.125, -0.125], [-0.75]]);
    // Rows with one prompt stay rows: each is packed alone.
    assert.deepEqual(
      sequencesOf(rows).map(({ promptIds, packWith }) => [promptIds, packWith]),
      [
        [[1], 0],
        [[1], 1],
      ],
    );
  });
});
