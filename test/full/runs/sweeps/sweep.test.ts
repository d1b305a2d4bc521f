import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initModel, parseModelConfig, saveModel } from "../../../../lib/model/index.js";
import { ensureShop } from "../../../../lib/simulator/index.js";
import { planSweep, refuseFailures, runPool, type SweepEvents } from "../../../../lib/runs/index.js";
import { recordFolders } from "../../../../lib/records/index.js";
import { holdFolder } from "../../../../lib/base/index.js";
import { carryOut } from "../../../../lib/runs/sweeps/run.js";

const root = mkdtempSync(join(tmpdir(), "aisle-sweep-"));
const model = join(root, "model");
const file = join(root, "sweep.json");

/** Twelve trainings of a model of a few thousand weights: four learning rates, three seeds. */
const tiny = {
  kind: "sweep",
  name: "tiny",
  base: {
    kind: "grpo",
    name: "grpo",
    model,
    preset: "grpo",
    groups: { tasks: 1, size: 2 },
    sampling: { maxTokens: 3 },
    iterations: 3,
    evaluate: { every: 3, goals: 1 },
    checkpoint: 1,
    workers: 0,
  },
  grid: { "update.learningRate": [1e-4, 3e-4, 1e-3, 3e-3] },
  seeds: [0, 1, 2],
  testGoals: 3,
};

/** A process of the command line that can be watched and killed. */
class Cli {
  readonly child: ChildProcess;
  said = "";
  stdout = "";
  readonly over: Promise<number | null>;

  constructor(...args: readonly string[]) {
    this.child = spawn(process.execPath, ["lib/aisle.mjs", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout!.on("data", (chunk: Buffer) => (this.stdout += chunk.toString("utf8")));
    this.child.stderr!.on("data", (chunk: Buffer) => (this.said += chunk.toString("utf8")));
    this.over = new Promise((resolve) => this.child.on("close", resolve));
  }

  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.said)) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`It ended without saying ${String(pattern)}: ${this.said}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }
}

/** Every record under a folder, by id: the bytes of its record.json. */
function records(runs: string): Record<string, string> {
  return Object.fromEntries(
    recordFolders(runs).map((path) => [
      path.slice(runs.length + 1),
      readFileSync(join(path, "record.json"), "utf8"),
    ]),
  );
}

describe("a sweep", function () {
  this.timeout(240_000);
  const clis: Cli[] = [];
  const cli = (...args: readonly string[]): Cli => {
    const started = new Cli(...args);
    clis.push(started);
    return started;
  };

  before(async () => {
    await ensureShop();
    mkdirSync(model);
    for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
      cpSync(join("data/models/base", name), join(model, name));
    }
    const base = JSON.parse(readFileSync("data/models/base/config.json", "utf8")) as Record<string, unknown>;
    const config = {
      ...base,
      hidden_size: 8,
      intermediate_size: 16,
      num_hidden_layers: 1,
      num_attention_heads: 2,
    };
    saveModel(model, initModel(parseModelConfig({ ...config, num_key_value_heads: 1, head_dim: 4 }), 0));
    writeFileSync(file, JSON.stringify(tiny));
  });
  after(() => {
    clis.forEach((one) => one.kill());
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });

  it("writes out its grid, and refuses what is no sweep", async () => {
    const { runs } = await planSweep(tiny);
    assert.equal(runs.length, 12);
    assert.deepEqual(
      runs.slice(0, 4).map(({ variant, seed }) => `${variant} ${seed}`),
      [
        "grpo:learningRate=0.0001 0",
        "grpo:learningRate=0.0001 1",
        "grpo:learningRate=0.0001 2",
        "grpo:learningRate=0.0003 0",
      ],
    );
    assert.deepEqual(runs[11]!.config["update"] as object, { learningRate: 3e-3 });
    assert.equal(new Set(runs.map(({ id }) => id)).size, 12);
    const named = await planSweep({
      ...tiny,
      grid: { "update.epochs": [1, 2] },
      base: { ...tiny.base, update: { learningRate: 1e-3 } },
      variants: { "as it is": {}, "G 3, M 2": { "groups.size": 3, "groups.perTask": 2 } },
      seeds: [0],
    });
    assert.deepEqual(
      named.runs.map(({ variant, config }) => [variant, config["groups"], config["update"]]),
      [
        ["grpo:as it is:epochs=1", { tasks: 1, size: 2 }, { learningRate: 1e-3, epochs: 1 }],
        ["grpo:as it is:epochs=2", { tasks: 1, size: 2 }, { learningRate: 1e-3, epochs: 2 }],
        ["grpo:G 3, M 2:epochs=1", { tasks: 1, size: 3, perTask: 2 }, { learningRate: 1e-3, epochs: 1 }],
        ["grpo:G 3, M 2:epochs=2", { tasks: 1, size: 3, perTask: 2 }, { learningRate: 1e-3, epochs: 2 }],
      ],
    );
    const wrong: [RegExp, object][] = [
      [/variants/, { ...tiny, variants: { "a/b": {} } }],
      [/seeds/, { ...tiny, seeds: [0.5] }],
      [/grids/, { ...tiny, grids: {} }],
      [/learnRate/, { ...tiny, grid: { "update.learnRate": [1] } }],
      [/a sweep can run grpo, imitate, pretrain, evaluate/, { ...tiny, base: { kind: "dance" } }],
      [/is there twice/, { ...tiny, seeds: [1, 1] }],
      [/could not read|Could not read/, { ...tiny, base: "no/such/file.json" }],
    ];
    for (const [says, value] of wrong) await assert.rejects(planSweep(value), says);
  });

  it("waits for a living process in a run's folder, and takes over from a dead one", async () => {
    const folder = join(root, "held");
    const other = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"], { stdio: "ignore" });
    const lock = (pid: number): void =>
      writeFileSync(
        `${folder}.lock`,
        JSON.stringify({ host: spawnSync("hostname").stdout.toString().trim(), pid }),
      );
    lock(other.pid!);
    await assert.rejects(holdFolder(folder, 300), /is still at work/);
    const gone = new Promise((resolve) => other.on("close", resolve));
    other.kill("SIGKILL");
    await gone;
    (await holdFolder(folder, 300))();
    assert.equal(existsSync(`${folder}.lock`), false);
  });

  it("survives kill -9 of a worker and of the scheduler with the records of an undisturbed one", async function () {
    const redis = await startRedis();
    if (!redis) {
      process.stderr.write(
        "      skipped: redis-server is not installed (Debian: apt install redis-server)\n",
      );
      this.skip();
    }
    const wild = { out: join(root, "wild"), runs: join(root, "wild-records") };
    const shared = ["--redis", redis.url, "--patience", "1", "--out", wild.out, "--runs", wild.runs];
    try {
      const scheduler = cli("sweep", file, ...shared);
      const victim = cli("sweep", file, "--worker", ...shared);
      const survivor = cli("sweep", file, "--worker", ...shared);
      await Promise.all([victim.says(/seed \d: \S+:\d+/), scheduler.says(/runs are in the queue/)]);
      victim.kill();
      await victim.over;
      await scheduler.says(/\[[2-9]\/12\]/);
      scheduler.kill();
      await scheduler.over;
      const again = cli("sweep", file, ...shared, "--json");
      assert.equal(await again.over, 0, again.said);
      const { outcomes } = JSON.parse(again.stdout) as { outcomes: { error: string | null }[] };
      assert.equal(outcomes.length, 12);
      assert.equal(await survivor.over, 0, survivor.said);

      // Undisturbed: one after the other, in this process.
      const calm = { out: join(root, "calm"), runs: join(root, "calm-records") };
      const { runs } = await planSweep(tiny);
      for (const run of runs) await carryOut(run, calm);
      assert.equal(Object.keys(records(calm.runs)).length, 12);
      assert.deepEqual(records(wild.runs), records(calm.runs));
      for (const { id } of runs) {
        for (const name of ["metrics.jsonl", "model/model.safetensors"]) {
          assert.ok(
            readFileSync(join(wild.out, id, name)).equals(readFileSync(join(calm.out, id, name))),
            `${id} ${name}`,
          );
        }
      }
    } finally {
      await redis.stop();
    }
  });

  it("goes on from the checkpoint of a run whose process was killed, and reads what is finished", async () => {
    const places = { out: join(root, "cut"), runs: join(root, "cut-records") };
    const sweep = await planSweep({
      ...tiny,
      base: { ...tiny.base, iterations: 40 },
      grid: { "update.learningRate": [1e-3] },
      seeds: [0],
    });
    const { id } = sweep.runs[0]!;
    const said: string[] = [];
    const events: SweepEvents = {
      progress: (_, { at }) => said.push(at),
      failed: (_, why, again) => said.push(`${why} ${again ? "again" : "never"}`),
    };
    const pool = runPool(sweep, places, { processes: 1, events });
    while (!existsSync(join(places.out, id, "progress.json")))
      await new Promise((resolve) => setTimeout(resolve, 10));
    const holder = JSON.parse(readFileSync(join(places.out, `${id}.lock`), "utf8")) as { pid: number };
    assert.notEqual(holder.pid, process.pid);
    process.kill(holder.pid, "SIGKILL");
    const [outcome] = await pool;
    assert.match(
      said.join("; "),
      /was ended by SIGKILL; the run goes on from its last checkpoint. again; goes on after iteration [1-9]/,
    );
    assert.deepEqual(outcome!.records, readdirSync(places.runs));
    const stamp = (): string =>
      readFileSync(join(places.runs, outcome!.records![0]!, "provenance.json"), "utf8");
    const before = stamp();
    await carryOut(sweep.runs[0]!, places, ({ at }) => assert.fail(`a finished run was begun again: ${at}`));
    assert.equal(stamp(), before);
  });

  it("says in one sentence what is wrong with a Redis or a run, and tries the other runs", async () => {
    const nowhere = cli("sweep", file, "--redis", "redis://user:secret@127.0.0.1:1");
    assert.equal(await nowhere.over, 2);
    assert.match(nowhere.said, /There is no Redis at 127\.0\.0\.1:1/);
    assert.doesNotMatch(nowhere.said, /secret/);
    const base = { kind: "evaluate", agent: "rule", goals: 5 };
    const mixed = await planSweep({
      kind: "sweep",
      name: "mixed",
      base,
      grid: { agent: ["nobody", "rule"] },
      seeds: [0],
    });
    const runs = join(root, "mixed-records");
    const outcomes = await runPool(mixed, { out: join(root, "mixed"), runs });
    assert.throws(
      () => refuseFailures(outcomes),
      /1 of 2 runs failed; nobody-\S+: There is no agent "nobody"/,
    );
    assert.deepEqual(outcomes[1]!.records, readdirSync(runs));
  });
});

/** A real Redis on a free port, without a file of its own; null where there is none. */
async function startRedis(): Promise<{ url: string; stop(): Promise<void> } | null> {
  if (spawnSync("redis-server", ["--version"]).error) return null;
  const { createServer } = await import("node:net");
  const port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
  const server = spawn(
    "redis-server",
    ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", root],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  await new Promise<void>((resolve, reject) => {
    server.on("exit", () => reject(new Error("redis-server did not start")));
    server.stdout.on("data", (chunk: Buffer) => /Ready to accept/i.test(chunk.toString("utf8")) && resolve());
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        server.removeAllListeners("exit").on("exit", () => resolve());
        server.kill("SIGKILL");
      }),
  };
}
