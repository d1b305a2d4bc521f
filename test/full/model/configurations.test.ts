import { strict as assert } from "node:assert";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { InputError } from "../../../lib/base/index.js";
import {
  adapterScale,
  loadAdapter,
  loadModel,
  parameterShapes,
  SafetensorsFile,
} from "../../../lib/model/index.js";
import { fixture } from "../../fixtures/index.js";

/** Values that other people's files hold where they should not. */
const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(null, true, false, 0, 1, -1, 0.5, 1e308, 1e-320, 2 ** 53, "", "x", "null", [], {}),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>,
);
/** What belongs there as often as not. */
const or = (...right: unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: odd });

/** Some keys, each with a value from its own list or an odd one, and now and then a key that nobody knows. */
function changes(keys: Readonly<Record<string, readonly unknown[]>>): fc.Arbitrary<Record<string, unknown>> {
  const entry = fc.oneof(
    {
      weight: 12,
      arbitrary: fc.constantFrom(...Object.keys(keys)).chain((key) => pair(key, or(...keys[key]!))),
    },
    { weight: 1, arbitrary: fc.string({ maxLength: 12 }).chain((key) => pair(key, odd)) },
  );
  return fc
    .array(entry, { minLength: 1, maxLength: 4 })
    .map((entries) => Object.fromEntries(entries.filter(([key]) => key !== "__proto__")));
}

const pair = (key: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<[string, unknown]> =>
  value.map((one): [string, unknown] => [key, one]);

const PEFT: Readonly<Record<string, readonly unknown[]>> = {
  peft_type: ["LORA", "IA3", "lora"],
  task_type: ["CAUSAL_LM", "SEQ_CLS", null],
  r: [4, 8, 1],
  lora_alpha: [10, 3, 0, -2.5],
  lora_dropout: [0, 0.1, 1],
  use_rslora: [true, false, null],
  target_modules: [
    ...["all-linear", ".*_proj", ".*\\.(q|v)_proj", "(", ".*\\Z", "q_proj"],
    ...[["q_proj", "v_proj"], ["model.layers.0.mlp.up_proj"], ["lm_head"], ["nowhere"], null],
  ],
  exclude_modules: [["q_proj"], ".*\\.0\\..*", "[", null, []],
  layers_to_transform: [0, [1], [0, 1], [9], [], null],
  layers_pattern: ["layers", ["h", "layers"], "(", null, []],
  rank_pattern: [{}, { q_proj: 2 }, { "(": 2 }, { up_proj: 4 }],
  alpha_pattern: [{}, { q_proj: 2 }, { ".*": -1 }, { "^model.layers.1.*": 3 }],
  init_lora_weights: [true, false, "gaussian", "pissa", "pissa_niter_4", "olora", "eva", "corda", "EVA"],
  bias: ["none", "all", "lora_only"],
  fan_in_fan_out: [true, false],
  use_dora: [true, false],
  modules_to_save: [null, [], ["lm_head"]],
  kasa_config: [null, {}, { beta: 1 }],
  layer_replication: [null, [], [[0, 2]]],
  alora_invocation_tokens: [null, [], [4]],
  trainable_token_indices: [null, {}, [3]],
  target_parameters: [null, [], ["mlp.up"]],
  lora_bias: [true, false],
  base_model_name_or_path: [null, "acme/tiny"],
  revision: [null, "main"],
};

const ROPE = [
  ...[{ rope_type: "default", rope_theta: 1e6 }, { rope_theta: 1e4 }, { rope_type: "yarn", factor: 4 }],
  ...[{ type: "linear", factor: 2 }, { type: null }, { full_attention: {} }, {}, null],
];
const MODEL: Readonly<Record<string, readonly unknown[]>> = {
  architectures: [["Qwen2ForCausalLM"], ["LlamaForCausalLM"], [], null],
  model_type: ["qwen2", "llama", null],
  vocab_size: [96, 97],
  hidden_size: [32, 64],
  intermediate_size: [40],
  num_hidden_layers: [2, 3, 1, 1e9],
  num_attention_heads: [4, 2, 8],
  num_key_value_heads: [2, 4, null],
  head_dim: [8, 16, 7, null],
  max_position_embeddings: [256, 4],
  rms_norm_eps: [1e-6, 1e-5, 0],
  rope_theta: [1e6, 1e4, null],
  rope_scaling: ROPE,
  rope_parameters: ROPE,
  partial_rotary_factor: [1, 0.5, null],
  tie_word_embeddings: [true, false, null],
  hidden_act: ["silu", "swish", "gelu"],
  attention_dropout: [0, 0.1, null],
  is_causal: [true, false],
  use_sliding_window: [true, false, null],
  sliding_window: [4, 4096, null],
  max_window_layers: [0, 1, 28],
  layer_types: [["full_attention", "full_attention"], ["sliding_attention", "full_attention"], null],
  quantization_config: [null, {}, { bits: 4 }],
  per_layer_config: [null, {}, { 0: {} }],
  eos_token_id: [null, 1, [1, 2]],
};

describe("ten thousand configurations of other people", function () {
  this.timeout(1_800_000);
  const { folder: base, adapter } = fixture("gqa-tied");
  const model = loadModel(base);
  const factors = new SafetensorsFile(join(adapter, "adapter_model.safetensors"));
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), "aisle-configurations-"))));
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** What `load` makes of a changed file, or nothing where it is refused in one sentence. */
  function outcome<T>(file: string, original: string, changed: object, load: () => T): T | undefined {
    const entries = { ...(JSON.parse(original) as object), ...changed };
    writeFileSync(join(root, file), JSON.stringify(entries));
    try {
      return load();
    } catch (error) {
      assert.ok(
        error instanceof InputError,
        `${String((error as Error).stack)} for ${JSON.stringify(changed)}`,
      );
      assert.ok(!error.message.includes("\n") && error.message.length < 700, error.message);
      return undefined;
    }
  }

  it("of adapters: each is refused in a sentence, or every layer has the factors and the scale that it names", () => {
    copyFileSync(join(adapter, "adapter_model.safetensors"), join(root, "adapter_model.safetensors"));
    const original = readFileSync(join(adapter, "adapter_config.json"), "utf8");
    let loaded = 0;
    fc.assert(
      fc.property(changes(PEFT), (changed) => {
        const files = outcome("adapter_config.json", original, changed, () =>
          loadAdapter(root, model.config),
        );
        if (!files) return;
        loaded++;
        const config = { ...(JSON.parse(original) as Record<string, unknown>), ...changed };
        // Whatever loads is whole: every tensor of the file has its place, at the rank that its layer has.
        assert.equal(2 * files.factors.size, factors.tensors.size);
        for (const [path, { a, b }] of files.factors) {
          assert.deepEqual([a.shape[0], b.shape[1]], [4, 4]);
          const alpha = Object.entries((config["alpha_pattern"] ?? {}) as Record<string, number>).find(
            ([pattern]) => new RegExp(`^(.*\\.)?(${pattern})$`).test(path),
          )?.[1];
          const scale = (alpha ?? (config["lora_alpha"] as number)) / (config["use_rslora"] ? 2 : 4);
          assert.equal(adapterScale(files.config, path), scale, JSON.stringify(changed));
        }
        for (const key of [
          "use_dora",
          "lora_bias",
          "modules_to_save",
          "target_parameters",
          "layer_replication",
        ])
          assert.ok(!config[key] || Object.keys(config[key]).length === 0, key);
        assert.ok(
          config["kasa_config"] === undefined ||
            config["kasa_config"] === null ||
            config["kasa_config"] === false,
        );
        assert.doesNotMatch(String(config["init_lora_weights"]), /pissa|olora|corda/i);
      }),
      { numRuns: 10_000 },
    );
    assert.ok(loaded > 500, `only ${loaded} loaded`);
  });

  it("of models: each is refused in a sentence, or has the shape of its weights and plain rotary positions", () => {
    symlinkSync(resolve(base, "model.safetensors"), join(root, "model.safetensors"));
    const original = readFileSync(join(base, "config.json"), "utf8");
    let loaded = 0;
    fc.assert(
      fc.property(changes(MODEL), (changed) => {
        const files = outcome("config.json", original, changed, () => loadModel(root));
        if (!files) return;
        loaded++;
        assert.deepEqual([...parameterShapes(files.config)], [...parameterShapes(model.config)]);
        const config = { ...(JSON.parse(original) as Record<string, unknown>), ...changed };
        const given = (key: string): Record<string, unknown> =>
          (config[key] ?? {}) as Record<string, unknown>;
        const scaling = given("rope_scaling");
        const rope = Object.keys(scaling).length > 0 ? scaling : given("rope_parameters");
        assert.equal(rope["rope_type"] ?? rope["type"] ?? "default", "default", JSON.stringify(changed));
        const theta = "rope_theta" in rope ? rope["rope_theta"] : (config["rope_theta"] ?? 1e4);
        assert.equal(files.config.ropeTheta, theta, JSON.stringify(changed));
        assert.equal(files.config.rmsNormEps, config["rms_norm_eps"]);
        assert.ok(["silu", "swish"].includes(config["hidden_act"] as string));
        assert.notEqual(config["is_causal"], false);
      }),
      { numRuns: 10_000 },
    );
    assert.ok(loaded > 500, `only ${loaded} loaded`);
  });
});
