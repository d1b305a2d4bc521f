import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Completer,
  fingerprintOf,
  localCompleter,
  openOnnx,
  queryPrompt,
  selectPrompt,
  type Message,
} from "../../lib/agents/index.js";
import { stream } from "../../lib/base/index.js";
import {
  copyTokenizer,
  initModel,
  loadModel,
  loadTokenizer,
  type ModelFiles,
  saveModel,
  saveOnnx,
} from "../../lib/model/index.js";
import { Policy } from "../../lib/policy/index.js";
import { useBackend } from "../../lib/tensor/index.js";
import { defaultCatalogue, type DiskCatalogue } from "../../lib/simulator/index.js";
import { readRecord } from "../../lib/records/index.js";
import { aisle } from "../cli/run.js";

const BASE = "data/models/base";

describe("an ONNX chat model", function () {
  this.timeout(120_000);
  let root: string;
  let shop: DiskCatalogue;
  let prompts: (readonly Message[])[];
  before(async () => {
    await useBackend("wasm");
    root = mkdtempSync(join(tmpdir(), "aisle-onnx-"));
    shop = await defaultCatalogue();
    const goals = Array.from({ length: 4 }, (_, i) => shop.goal(i));
    prompts = goals.flatMap(({ instruction }) => {
      const listed = shop.search(instruction, 10).map(({ index }) => shop.product(index));
      return [queryPrompt(instruction), selectPrompt(instruction, "x", listed)];
    });
  });
  after(() => {
    shop.close();
    rmSync(root, { recursive: true, force: true });
  });

  /** The same model in our own engine and in ONNX Runtime, which read it from files written by us. */
  async function both(name: string, model: ModelFiles): Promise<[Completer, Completer]> {
    const folder = join(root, name);
    saveOnnx(folder, model, BASE);
    const policy = await Policy.create(model, { train: "nothing" });
    const tokenizer = await loadTokenizer(BASE, model.config);
    return [localCompleter(policy, tokenizer, name), await openOnnx(folder)];
  }
  /** An answer without its tokens' probabilities, which ONNX Runtime's do not tell. */
  const say = async (completer: Completer, messages: readonly Message[], temperature: number) => {
    const answer = await completer.complete(messages, {
      maxTokens: 24,
      temperature,
      random: stream(5, "onnx"),
    });
    return { ...answer, tokens: undefined };
  };

  it("of the base model says what our own engine says, sampled with the same chance too", async () => {
    const [ours, theirs] = await both("base", loadModel(BASE));
    const texts = new Set<string>();
    for (const messages of prompts) {
      for (const temperature of [0, 0.7]) {
        const answer = await say(ours, messages, temperature);
        assert.deepEqual(await say(theirs, messages, temperature), answer);
        texts.add(answer.text);
      }
    }
    assert.ok(texts.size > 4);
  });

  it("with shared key/value heads and its own head says the same as well", async () => {
    const { config } = loadModel(BASE);
    const other = {
      ...config,
      hiddenSize: 24,
      intermediateSize: 40,
      layers: 2,
      heads: 4,
      keyValueHeads: 2,
      headDim: 8,
    };
    const drawn = { ...other, tiedEmbeddings: false, initializerRange: 0.4 };
    const scaling = { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositions: 64 };
    for (const [name, config] of [
      ["grouped", drawn],
      ["llama", { ...drawn, modelType: "llama", attentionBias: true, mlpBias: true, ropeScaling: scaling }],
      ["qwen3", { ...drawn, modelType: "qwen3" }],
    ] as const) {
      // Fresh norms are one and fresh biases zero: others, so that a forgotten one shows.
      const fresh = initModel(config, 3);
      const weights = new Map(fresh.weights);
      for (const [parameter, weight] of fresh.weights) {
        if (!/_norm\.weight$|\.bias$/.test(parameter)) continue;
        const random = stream(name, parameter);
        const data = weight.data().map((x) => x + 0.4 * random.normal());
        weights.set(parameter, { ...weight, data: () => data.slice() });
      }
      const [ours, theirs] = await both(name, { config, weights });
      for (const messages of prompts.slice(0, 3)) {
        const answer = await say(ours, messages, 0);
        assert.ok(answer.completionTokens > 1);
        assert.deepEqual(await say(theirs, messages, 0), answer, name);
      }
    }
  });

  it("plays and is counted, from the command line", async () => {
    const folder = join(root, "written");
    const written = await aisle(["model", "onnx", BASE, folder, "--json"]);
    assert.deepEqual(JSON.parse(written.stdout), { folder });
    const flags = ["--agent", "prompted", "--limit", "3", "--runs", join(root, "runs"), "--json"];
    const run = await aisle(["evaluate", ...flags, "--onnx", folder, "--temperature", "0"]);
    assert.equal(run.code, 0, run.stderr);
    const own = await aisle(["evaluate", ...flags, "--temperature", "0"]);
    const [onnx, ours] = [run, own].map(({ stdout }) =>
      readRecord((JSON.parse(stdout) as { record: string }).record),
    );
    assert.equal(onnx!.identity.agent.name, "prompted:written:t0");
    assert.deepEqual(onnx!.identity.models, [{ name: folder, fingerprint: fingerprintOf(folder) }]);
    appendFileSync(join(folder, "onnx", "model.onnx"), "x");
    assert.notEqual(fingerprintOf(folder), onnx!.identity.models[0]!.fingerprint);
    assert.deepEqual(
      onnx!.results.map(({ usage, ...rest }) => (assert.ok(usage!.requests >= 1), rest)),
      ours!.results,
    );
  });

  it("is refused in one sentence where there is none, or no chat", async () => {
    const folder = join(root, "empty");
    mkdirSync(folder);
    await assert.rejects(openOnnx(folder), {
      name: "InputError",
      message: /empty cannot be opened as an ONNX model of type fp32: /,
    });
    const { config } = loadModel(BASE);
    saveModel(
      folder,
      initModel(
        { ...config, hiddenSize: 8, intermediateSize: 8, layers: 1, heads: 1, keyValueHeads: 1, headDim: 8 },
        1,
      ),
    );
    copyTokenizer(BASE, folder);
    await assert.rejects(openOnnx(folder), {
      name: "InputError",
      message: /cannot be opened as an ONNX model/,
    });
  });
});
