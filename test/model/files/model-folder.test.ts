import { strict as assert } from "node:assert";
import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../../lib/base/index.js";
import {
  initModel,
  loadModel,
  parameterCount,
  parameterShapes,
  parseModelConfig,
  SafetensorsFile,
  saveModel,
  writeSafetensors,
  type ModelFiles,
  type TensorData,
} from "../../../lib/model/index.js";
import { fixture, fixtureNames } from "../../fixtures/index.js";
import { scratch } from "./scratch.js";

/** A configuration as JSON, with some entries changed. */
function json(changes: Record<string, unknown> = {}): Record<string, unknown> {
  const text = readFileSync(join(fixture("gqa-tied").folder, "config.json"), "utf8");
  return { ...(JSON.parse(text) as Record<string, unknown>), ...changes };
}

function valuesOf(model: ModelFiles): Map<string, number[]> {
  return new Map([...model.weights].map(([name, weight]) => [name, Array.from(weight.data())]));
}

/** One sentence, bad input, and matching. */
function refused(action: () => unknown, message: RegExp): void {
  assert.throws(action, (error: unknown) => {
    assert.ok(error instanceof InputError, String(error));
    assert.match(error.message, message);
    assert.ok(!error.message.includes("\n"));
    return true;
  });
}

describe("a model's configuration", () => {
  it("is read in the layouts of transformers 4 and 5", () => {
    const grouped = parseModelConfig(json());
    assert.equal(grouped.ropeTheta, 1e6);
    assert.deepEqual([grouped.heads, grouped.keyValueHeads, grouped.headDim, grouped.layers], [4, 2, 8, 2]);
    assert.equal(grouped.tiedEmbeddings, true);
    assert.deepEqual(grouped.eosTokenIds, []);
    const classic = loadModel(fixture("mha-untied").folder).config;
    assert.equal(classic.ropeTheta, 1e4);
    assert.equal(classic.tiedEmbeddings, false);
    assert.equal(loadModel(fixture("wide-head").folder).config.headDim, 16);
    assert.deepEqual(parseModelConfig(json({ eos_token_id: [7, 3] })).eosTokenIds, [7, 3]);
    assert.equal(parseModelConfig(json({ num_key_value_heads: null })).keyValueHeads, 4);
  });

  it("counts the parameters of Qwen2.5-1.5B-Instruct", () => {
    const config = parseModelConfig(
      json({
        hidden_size: 1536,
        intermediate_size: 8960,
        num_attention_heads: 12,
        num_key_value_heads: 2,
        num_hidden_layers: 28,
        layer_types: undefined,
        vocab_size: 151936,
        rope_scaling: null,
      }),
    );
    assert.equal(parameterCount(config), 1_543_714_304);
  });

  const refusals: [string, Record<string, unknown>, RegExp][] = [
    [
      "another architecture by name",
      { architectures: ["GPT2LMHeadModel"] },
      /"GPT2LMHeadModel" is not supported/,
    ],
    ["another type by name", { architectures: undefined, model_type: "mamba" }, /"mamba" is not supported/],
    ["no architecture", { architectures: undefined, model_type: undefined }, /names no architecture/],
    ["stretched positions", { rope_parameters: { rope_type: "yarn", rope_theta: 1e6 } }, /rope type "yarn"/],
    [
      "stretched positions, older layout",
      { rope_parameters: undefined, rope_scaling: { type: "linear" } },
      /"linear"/,
    ],
    ["partial rotation", { rope_parameters: { partial_rotary_factor: 0.5 } }, /partial rotary/],
    ["another activation", { hidden_act: "gelu" }, /activation "gelu"/],
    ["dropout in the attention", { attention_dropout: 0.1 }, /dropout/],
    [
      "a sliding window",
      { use_sliding_window: true, sliding_window: 4, max_window_layers: 1, layer_types: null },
      /sliding window of 4 tokens/,
    ],
    ["a sliding layer", { layer_types: ["full_attention", "sliding_attention"] }, /full attention/],
    ["quantised weights", { quantization_config: { bits: 4 } }, /quantised/],
    ["heads that cannot share", { num_key_value_heads: 3 }, /4 heads cannot share 3/],
    ["a head of odd width", { head_dim: 7 }, /width 7/],
    ["heads that do not divide the width", { hidden_size: 30 }, /width 7\.5/],
    ["a size that is missing", { hidden_size: undefined }, /"hidden_size"/],
    ["a size that is text", { vocab_size: "96" }, /"vocab_size"/],
    ["no layers", { num_hidden_layers: 0 }, /"num_hidden_layers"/],
  ];
  for (const [what, changes, message] of refusals) {
    it(`refuses ${what}`, () => refused(() => parseModelConfig(json(changes)), message));
  }
  it("refuses what is no configuration at all", () =>
    refused(() => parseModelConfig([1]), /not a model configuration/));
});

describe("a model folder", () => {
  const at = scratch();

  for (const name of fixtureNames) {
    it(`${name}: every parameter is there, and a saved copy holds the same numbers`, () => {
      const model = loadModel(fixture(name).folder);
      assert.deepEqual([...model.weights.keys()], [...parameterShapes(model.config).keys()]);
      saveModel(at("copy"), model);
      const copy = loadModel(at("copy"));
      assert.deepEqual(copy.config, model.config);
      assert.deepEqual(valuesOf(copy), valuesOf(model));
    });
  }

  it("16-bit models are saved and read without loss in their own type", () => {
    for (const [name, dtype] of [
      ["bfloat16", "BF16"],
      ["float16", "F16"],
    ] as const) {
      const { folder } = fixture(name);
      const model = loadModel(folder);
      saveModel(at(name), model, { dtype });
      const read = (path: string): Map<string, TensorData> => {
        const file = new SafetensorsFile(join(path, "model.safetensors"));
        return new Map([...file.tensors.keys()].sort().map((key) => [key, file.read(key)]));
      };
      assert.deepEqual(read(at(name)), read(folder));
      assert.deepEqual(loadModel(at(name)).config, model.config);
    }
  });

  it("can be saved over itself and fills a given array", () => {
    cpSync(fixture("gqa-tied").folder, at("m"), { recursive: true });
    const model = loadModel(at("m"));
    const before = valuesOf(model);
    saveModel(at("m"), model);
    assert.deepEqual(valuesOf(loadModel(at("m"))), before);
    const norm = new Float32Array(32);
    assert.equal(model.weights.get("model.norm.weight")!.data(norm), norm);
    assert.deepEqual(Array.from(norm), before.get("model.norm.weight"));
    assert.throws(() => model.weights.get("model.norm.weight")!.data(new Float32Array(31)), RangeError);
  });

  it("fresh weights are a function of the seed, normal, and named", () => {
    const { config } = loadModel(fixture("wide-head").folder);
    const model = initModel(config, 5);
    const embedding = model.weights.get("model.embed_tokens.weight")!.data();
    assert.deepEqual(initModel(config, 5).weights.get("model.embed_tokens.weight")!.data(), embedding);
    assert.notDeepEqual(initModel(config, 6).weights.get("model.embed_tokens.weight")!.data(), embedding);
    const mean = embedding.reduce((a, b) => a + b) / embedding.length;
    const deviation = Math.sqrt(embedding.reduce((a, b) => a + (b - mean) ** 2, 0) / embedding.length);
    assert.ok(Math.abs(mean) < 0.001 && Math.abs(deviation - config.initializerRange) < 0.001);
    assert.ok(
      model.weights
        .get("model.norm.weight")!
        .data()
        .every((x) => x === 1),
    );
    assert.ok(
      model.weights
        .get("model.layers.0.self_attn.q_proj.bias")!
        .data()
        .every((x) => x === 0),
    );
    assert.notDeepEqual(
      model.weights.get("model.layers.0.mlp.gate_proj.weight")!.data(),
      model.weights.get("model.layers.0.mlp.up_proj.weight")!.data(),
    );
  });

  it("may hold a redundant output when embeddings are tied", () => {
    const model = loadModel(fixture("gqa-tied").folder);
    saveModel(at("m"), model);
    const withHead = (change: (values: Float32Array) => void): void => {
      const values = model.weights.get("model.embed_tokens.weight")!.data();
      change(values);
      const head = { shape: [96, 32], data: () => values };
      writeSafetensors(at("m", "model.safetensors"), new Map([...model.weights, ["lm_head.weight", head]]));
    };
    withHead(() => undefined);
    assert.deepEqual(valuesOf(loadModel(at("m"))), valuesOf(model));
    // transformers 4 ties them all the same, transformers 5 does not: two models by one name.
    withHead((values) => (values[95 * 32] = 7));
    refused(() => loadModel(at("m")), /"lm_head\.weight" of other values/);
  });

  describe("is refused", () => {
    const copy = (name: "gqa-tied" | "sharded"): string => {
      cpSync(fixture(name).folder, at("m"), { recursive: true });
      return at("m");
    };
    const rewrite = (change: (tensors: Map<string, TensorData>) => void): string => {
      const folder = copy("gqa-tied");
      const file = new SafetensorsFile(join(folder, "model.safetensors"));
      const tensors = new Map([...file.tensors.keys()].map((name) => [name, file.read(name)]));
      change(tensors);
      writeSafetensors(join(folder, "model.safetensors"), tensors);
      return folder;
    };

    it("when it is not there, is a file, or lacks its configuration or weights", () => {
      refused(() => loadModel(at("none")), /no model folder/);
      writeFileSync(at("file"), "");
      refused(() => loadModel(at("file")), /not a model folder but a file/);
      mkdirSync(at("empty"));
      refused(() => loadModel(at("empty")), /has no config\.json/);
      rmSync(join(copy("gqa-tied"), "model.safetensors"));
      refused(() => loadModel(at("m")), /has no model\.safetensors\.$/);
      writeFileSync(at("m", "pytorch_model.bin"), "");
      refused(() => loadModel(at("m")), /pytorch_model\.bin is in a format/);
    });
    it("when the configuration is not JSON or another architecture", () => {
      writeFileSync(join(copy("gqa-tied"), "config.json"), "{");
      refused(() => loadModel(at("m")), /config\.json is not JSON/);
      writeFileSync(at("m", "config.json"), JSON.stringify({ architectures: ["GPT2LMHeadModel"] }));
      refused(() => loadModel(at("m")), /"GPT2LMHeadModel" is not supported/);
    });
    it("when the weights are cut off", () => {
      truncateSync(join(copy("gqa-tied"), "model.safetensors"), 60000);
      refused(() => loadModel(at("m")), /not a whole safetensors file.*cut off/);
    });
    it("when a parameter is missing, unknown, mis-shaped or of a wrong type", () => {
      refused(
        () => loadModel(rewrite((t) => t.delete("model.layers.1.mlp.up_proj.weight"))),
        /lack "model\.layers\.1\.mlp\.up_proj\.weight"/,
      );
      refused(
        () =>
          loadModel(rewrite((t) => t.set("model.layers.2.extra", { shape: [1], data: new Float32Array(1) }))),
        /hold "model\.layers\.2\.extra"/,
      );
      refused(
        () =>
          loadModel(
            rewrite((t) => t.set("model.norm.weight", { shape: [2, 16], data: new Float32Array(32) })),
          ),
        /"model\.norm\.weight".*\[2, 16\].*\[32\]/,
      );
      refused(
        () =>
          loadModel(rewrite((t) => t.set("model.norm.weight", { shape: [32], data: new Int32Array(32) }))),
        /"model\.norm\.weight".*I32/,
      );
    });
    it("when the index of shards lies", () => {
      const index = join(copy("sharded"), "model.safetensors.index.json");
      const map = (JSON.parse(readFileSync(index, "utf8")) as { weight_map: Record<string, string> })
        .weight_map;
      const write = (changed: unknown): void => writeFileSync(index, JSON.stringify({ weight_map: changed }));
      write("no");
      refused(() => loadModel(at("m")), /no proper "weight_map"/);
      write({ ...map, "lm_head.weight": "../../elsewhere.safetensors" });
      refused(() => loadModel(at("m")), /names the shard "\.\.\/\.\.\/elsewhere/);
      write({ ...map, "lm_head.weight": "model-00009-of-00004.safetensors" });
      refused(() => loadModel(at("m")), /model-00009-of-00004\.safetensors/);
      write({ ...map, "model.extra": map["lm_head.weight"] });
      refused(() => loadModel(at("m")), /places "model\.extra"/);
      const { "lm_head.weight": _, ...rest } = map;
      write(rest);
      refused(() => loadModel(at("m")), /"lm_head\.weight"/);
    });
    it("when what is to be saved is incomplete", () => {
      const model = loadModel(fixture("gqa-tied").folder);
      const weights = new Map(model.weights);
      weights.delete("model.norm.weight");
      assert.throws(() => saveModel(at("s"), { ...model, weights }), /lacks "model\.norm\.weight"/);
      weights.set("model.norm.weight", { shape: [31], data: () => new Float32Array(31) });
      assert.throws(() => saveModel(at("s"), { ...model, weights }), /"model\.norm\.weight" is \[31\]/);
      assert.throws(() => loadModel(at("s")), InputError);
    });
  });
});
