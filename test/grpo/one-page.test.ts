import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Session } from "node:inspector";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { stream } from "../../lib/base/index.js";
import {
  advantagesOf,
  type Group,
  learn,
  parseGrpoConfig,
  presetNamed,
  rowsOf,
} from "../../lib/grpo/index.js";
import { initModel, loadModel, loadTokenizer, parseModelConfig } from "../../lib/model/index.js";
import { Policy, Trainer } from "../../lib/policy/index.js";
import { runGrpo } from "../../lib/runs/index.js";
import { useBackend } from "../../lib/tensor/index.js";
import { freshAdam, iterate } from "../../notebooks/one-page-grpo.js";
import { saveTinyModel, tinyRun, tinyShop } from "../runs/tiny-run.js";

describe("GRPO on one page", function () {
  this.timeout(60_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-one-page-"));
  before(() => useBackend("wasm"));
  after(() => rmSync(root, { recursive: true, force: true }));

  it("has at most 150 lines, and nothing of the learner's library", () => {
    const text = readFileSync("notebooks/one-page-grpo.ts", "utf8");
    assert.ok(text.split("\n").length <= 151);
    const rooms = [...text.matchAll(/from "\.\.\/lib\/(\w+)\//g)].map(([, room]) => room);
    assert.deepEqual(rooms, ["agents", "base", "model", "objective", "policy", "simulator", "tensor"]);
    assert.ok(
      !/\b(policyGradient|tokenWeights|new Trainer|new AdamW)\b/.test(text),
      "formulas stand on the page",
    );
  });

  it("gives the weights of the library's first iterations to the bit", async () => {
    const shop = tinyShop();
    const start = join(root, "start");
    saveTinyModel(start, shop);
    // The tiny model answers at random: reward comes from what it happens to buy.
    const settings = { tasks: 4, size: 6, temperature: 1, maxTokens: 6, learningRate: 1e-3, seed: 3 };
    const { tasks, size, temperature, maxTokens, learningRate, seed } = settings;
    const config = tinyRun(start, {
      objective: { kl: null },
      groups: { tasks, size },
      sampling: { temperature, maxTokens },
      update: { learningRate },
      seed,
      iterations: 1,
      evaluate: { every: 9, goals: 1 },
    });
    const out = join(root, "library");
    await runGrpo({ config, environment: shop, out, resume: false });
    const files = loadModel(start);
    const policy = await Policy.create(files);
    try {
      const tokenizer = await loadTokenizer(start, files.config);
      const { gradNorm } = await iterate(policy, tokenizer, shop, freshAdam(policy), 1, settings);
      assert.ok(gradNorm > 1e-3, `there was something to learn: ${gradNorm}`);
      const [own, theirs, before] = [policy.files().model, loadModel(join(out, "model")), loadModel(start)];
      let changed = 0;
      for (const [name, weight] of own.weights) {
        assert.deepEqual(weight.data(), theirs.weights.get(name)!.data(), name);
        const old = before.weights.get(name)!.data();
        changed += weight.data().filter((x, i) => x !== old[i]).length;
      }
      assert.ok(changed > 1000, `${changed} weights changed`);
    } finally {
      await policy.dispose();
    }
  });
});

/** The files of lib whose functions ran while a piece of work was done. */
async function filesOf(work: () => Promise<unknown>): Promise<string[]> {
  const session = new Session();
  session.connect();
  const post = <T>(method: string, given: object = {}): Promise<T> =>
    new Promise((resolve, reject) =>
      session.post(method, given, (error: Error | null, result?: object) =>
        error ? reject(error) : resolve(result as T),
      ),
    );
  await post("Profiler.enable");
  await post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
  await work();
  const { result } = await post<{ result: { url: string; functions: { ranges: { count: number }[] }[] }[] }>(
    "Profiler.takePreciseCoverage",
  );
  await post("Profiler.stopPreciseCoverage");
  session.disconnect();
  const ran = result
    .filter(({ functions }) => functions.some(({ ranges }) => ranges[0]!.count > 0))
    .map(({ url }) => (url.startsWith("file:") ? fileURLToPath(url) : url).replace(/\?.*$/, ""))
    .map((path) => relative(process.cwd(), path).replaceAll("\\", "/"))
    .filter((path) => /^lib\/(grpo|objective|policy)\//.test(path));
  return [...new Set(ran)].sort();
}

describe("the way from a reward to a changed weight", function () {
  this.timeout(60_000);
  before(() => useBackend("wasm"));

  it("leads through the files that docs/grpo.md lists, at most 14", async () => {
    const preset = presetNamed("grpo");
    const config = parseGrpoConfig({
      ...preset,
      groups: { tasks: 1, size: 3 },
      reward: {},
      sampling: { maxTokens: 2 },
      update: { learningRate: 1e-3 },
    });
    const shape = {
      architectures: ["Qwen2ForCausalLM"],
      vocab_size: 12,
      hidden_size: 8,
      intermediate_size: 16,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      max_position_embeddings: 16,
      tie_word_embeddings: true,
    };
    const policy = await Policy.create(initModel(parseModelConfig(shape), 1), { reference: true });
    const trainer = new Trainer(policy, { learningRate: 1e-3 });
    const group: Group = {
      task: "t",
      rollouts: [0, 1, 0.5].map((reward, i) => ({
        turns: [
          {
            promptIds: [1, 2],
            responseIds: [3 + i],
            oldLogProbs: [-2],
            reward,
            formatValid: true,
            admissible: true,
            truncated: false,
          },
        ],
        return: reward,
        success: reward === 1,
        score: reward,
      })),
    };
    const before = policy.parameters.slice();
    const files = await filesOf(async () => {
      const rows = rowsOf([group], advantagesOf([group], config.advantage), config);
      await learn(rows, trainer, config, stream(0, "x"));
    });
    await policy.dispose();
    assert.notDeepEqual(policy.parameters, before);
    const text = readFileSync("docs/grpo.md", "utf8");
    const section = text.slice(
      text.indexOf("## From a reward to a weight"),
      text.indexOf("## Configuration"),
    );
    const listed = [...section.matchAll(/`(lib\/[\w/-]+\.ts)`/g)].map(([, path]) => path!);
    assert.ok(files.length <= 14, `${files.length} files: ${files.join(", ")}`);
    assert.deepEqual(listed.sort(), files);
  });
});
