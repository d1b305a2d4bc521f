/** Every verb that writes, killed at random moments and before its renames: the same command again gives the same bytes. */
import { strict as assert } from "node:assert";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import {
  buildCatalogue,
  ensureShop,
  openCatalogue,
  openEnvironment,
  recipeSource,
} from "../../../lib/simulator/index.js";
import { saveTinyModel } from "../../runs/tiny-run.js";
import { Killer, KILLS, moments, SEED, sumsOf, type Work } from "./killed.js";

const scratch = mkdtempSync(join(tmpdir(), "aisle-kills-"));
const at = (name: string): string => join(scratch, name);
const [shop, model] = [at("shop"), at("model")];

/** A training of seconds. */
const training = {
  kind: "grpo",
  name: "tiny",
  model,
  data: shop,
  preset: "ppo",
  groups: { tasks: 2, size: 3 },
  sampling: { maxTokens: 6 },
  update: { learningRate: 1e-3 },
  iterations: 7,
  evaluate: { every: 2, goals: 4 },
  checkpoint: 3,
  workers: 0,
};
const sweep = {
  kind: "sweep",
  name: "tiny-sweep",
  base: { ...training, preset: "grpo", iterations: 1, evaluate: { every: 1, goals: 1 }, checkpoint: 1 },
  grid: { "update.learningRate": [1e-4, 1e-3] },
  seeds: [0],
  testGoals: 2,
};
/** A notebook that plays, keeps a record and shows what it found. */
const notebook = {
  cells: [
    `import { RuleAgent } from "./lib/agents/index.js";
import { evaluate } from "./lib/runs/index.js";
import { openCatalogue, openEnvironment } from "./lib/simulator/index.js";
const environment = openEnvironment(openCatalogue(${JSON.stringify(shop)}));
const goals = { first: 0, count: 40 };`,
    `const { summary } = await evaluate({ agent: new RuleAgent(), environment, split: "test", goals, runs: "runs" });
console.log(summary.score);`,
    `for (let i = 0; i < 5; i++) { await new Promise((r) => setTimeout(r, 50)); console.log(i); }`,
  ].map((source, i) => ({
    cell_type: "code",
    id: `cell-${i}`,
    metadata: {},
    execution_count: null,
    outputs: [],
    source,
  })),
  metadata: { kernelspec: { name: "aisle", display_name: "TypeScript (Aisle)", language: "typescript" } },
  nbformat: 4,
  nbformat_minor: 5,
};

const works: readonly Work[] = [
  { verb: "make", args: (folder) => ["data", "make", "--products", "60", "--out", join(folder, "shop")] },
  {
    verb: "import",
    args: (folder) => [
      ...["data", "import", "--products", at("rows.json"), "--attributes", at("attributes.json")],
      ...["--goals", "synthetic", "--out", join(folder, "shop")],
    ],
  },
  { verb: "train", args: (folder) => ["train", at("train.json"), "--out", join(folder, "run"), "--resume"] },
  {
    verb: "evaluate",
    args: (folder) => [
      ...["evaluate", "--agent", "policy", "--model", model, "--name", "tiny", "--data", shop],
      ...["--limit", "40", "--runs", join(folder, "runs")],
    ],
  },
  {
    verb: "sweep",
    args: (folder) => [
      ...["sweep", at("sweep.json"), "--out", join(folder, "training"), "--runs", join(folder, "runs")],
    ],
  },
  {
    verb: "reproduce",
    args: () => ["reproduce", "--no-results"],
    root: (folder) => folder,
    from: at("tree"),
    made: ["notebooks", "runs"],
  },
  {
    verb: "reproduce with figures and tables",
    args: () => ["reproduce"],
    root: (folder) => folder,
    from: at("tree"),
    made: ["notebooks", "runs", "thesis", "figures", "README.md"],
    kills: Math.floor(KILLS / 25), // it takes minutes
  },
];

/** A checkout with one small notebook. */
async function makeTree(tree: string): Promise<void> {
  for (const name of [
    "lib",
    "figures",
    "configs",
    "data/recipe",
    "data/published",
    "package.json",
    "tsconfig.json",
  ])
    cpSync(name, join(tree, name), { recursive: true });
  symlinkSync(resolve("node_modules"), join(tree, "node_modules"));
  await ensureShop();
  symlinkSync(resolve("data/shop"), join(tree, "data", "shop"));
  mkdirSync(join(tree, "notebooks"));
  writeFileSync(join(tree, "notebooks", "00-small.ipynb"), JSON.stringify(notebook, null, 1));
}

describe("full: what is killed, and started again", function () {
  this.timeout(6 * 3_600_000);
  let killer: Killer;
  before(async function () {
    if (process.platform === "win32") {
      process.stderr.write("      skipped on Windows: it has no SIGKILL\n");
      this.skip();
    }
    process.stderr.write(`      seed ${SEED} (AISLE_KILL_SEED), ${KILLS} kills each (AISLE_KILLS)\n`);
    killer = new Killer(scratch);
    await buildCatalogue(recipeSource({ products: 300, seed: 3 }), shop);
    const catalogue = openCatalogue(shop);
    saveTinyModel(model, openEnvironment(catalogue));
    catalogue.close();
    writeFileSync(at("train.json"), JSON.stringify(training));
    writeFileSync(at("sweep.json"), JSON.stringify(sweep));
    const rows = Array.from({ length: 80 }, (_, i) => ({
      asin: `B${String(i).padStart(9, "0")}`,
      name: `Lamp ${i} of brass`,
      full_description: "A lamp.",
      small_description: ["Bright"],
      pricing: `$${i + 1}.50`,
      customization_options: { size: [{ value: "small" }, { value: "large" }] },
      images: ["https://example.com/lamp.jpg"],
      category: "garden",
      query: "lamp",
      product_category: "Garden › Lamps",
    }));
    writeFileSync(at("rows.json"), JSON.stringify(rows));
    const attributes = rows.map(({ asin }) => [asin, { attributes: ["brass"], instruction: "find a lamp" }]);
    writeFileSync(at("attributes.json"), JSON.stringify(Object.fromEntries(attributes)));
    await makeTree(at("tree"));
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  for (const work of works.filter(({ kills = KILLS }) => kills > 0)) {
    const { kills = KILLS } = work;
    let right: Record<string, string> | undefined;
    let usual: number;
    /** What a run that nobody killed left. */
    const expected = (): Record<string, string> => {
      assert.ok(right, `nothing to compare with: ${work.verb} failed without a kill, see the test before`);
      return right;
    };

    it(`${work.verb} gives the same bytes every time`, async () => {
      const [first, second] = [killer.folder(work), killer.folder(work)];
      await killer.whole(work, first);
      usual = (await killer.whole(work, second)).milliseconds;
      right = sumsOf(work, first);
      assert.ok(Object.keys(right).length > 1, Object.keys(right).join(", "));
      assert.deepEqual(sumsOf(work, second), right);
      // And where it is done already.
      await killer.whole(work, second);
      assert.deepEqual(sumsOf(work, second), right);
    });

    it(`${work.verb} is killed at random moments, up to three times in a row, and loses nothing`, async () => {
      expected();
      const moment = moments(work.verb, usual);
      let [killed, tries] = [0, 0];
      while (killed < kills) {
        assert.ok(++tries < 10 * kills + 10, `only ${killed} of ${tries} were killed`);
        const folder = killer.folder(work);
        const times: number[] = [];
        for (let k = 0; k < 1 + (tries % 3) && killed < kills; k++) {
          const after = moment();
          const { signal, code, said } = await killer.run(work, folder, { after });
          times.push(after);
          if (signal === "SIGKILL") killed++;
          else assert.equal(code, 0, `${work.verb} after kills at ${times.join(", ")} ms:\n${said}`);
        }
        await killer.whole(work, folder);
        assert.deepEqual(sumsOf(work, folder), expected(), `${work.verb} killed at ${times.join(", ")} ms`);
        rmSync(folder, { recursive: true });
      }
      process.stderr.write(`      ${work.verb}: ${killed} kills within ${Math.round(usual)} ms\n`);
    });

    it(`${work.verb} is killed before its renames, and loses nothing`, async () => {
      expected();
      const count = await killer.renames(work);
      const step = Math.max(1, count / kills);
      let killed = 0;
      for (let i = 0; i < count; i += step) {
        const folder = killer.folder(work);
        const at = Math.floor(i);
        const { signal, said } = await killer.counted(work, folder, at);
        assert.equal(signal, "SIGKILL", said);
        killed++;
        await killer.whole(work, folder);
        assert.deepEqual(sumsOf(work, folder), expected(), `${work.verb} killed before rename ${at}`);
        rmSync(folder, { recursive: true });
      }
      process.stderr.write(`      ${work.verb}: killed before ${killed} of ${count} renames\n`);
    });
  }
});
