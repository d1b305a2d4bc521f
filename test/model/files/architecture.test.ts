import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../../lib/base/index.js";
import { hfConfig, loadModel, type ModelConfig, parseModelConfig } from "../../../lib/model/index.js";
import { fixture, type FixtureName } from "../../fixtures/index.js";

const json = (name: FixtureName): Record<string, unknown> =>
  JSON.parse(readFileSync(join(fixture(name).folder, "config.json"), "utf8")) as Record<string, unknown>;

describe("the architectures", () => {
  const read = (name: FixtureName, changes: Record<string, unknown> = {}): ModelConfig =>
    parseModelConfig({ ...json(name), ...changes });
  const refused = (name: FixtureName, changes: Record<string, unknown>, message: RegExp): void =>
    assert.throws(
      () => read(name, changes),
      (error: unknown) => error instanceof InputError && message.test(error.message),
      JSON.stringify(changes),
    );
  const cases = ["gqa-tied", "llama", "llama-bias", "qwen3", "mistral"] as const;

  it("are read by class or type, and written back so that they are read the same", () => {
    for (const name of cases) {
      const { model_type: type, architectures } = json(name);
      const config = read(name);
      assert.equal(config.modelType ?? "qwen2", type);
      assert.deepEqual(read(name, { architectures: undefined }), config);
      assert.deepEqual(read(name, { model_type: undefined }), config);
      const written = hfConfig(config, "bfloat16") as Record<string, unknown>;
      assert.deepEqual(written["architectures"], architectures);
      assert.equal(written["model_type"], type);
      assert.deepEqual(parseModelConfig(written), config);
    }
  });

  it("are refused where class and type differ", () => {
    refused("llama", { model_type: "mistral" }, /"LlamaForCausalLM" and the type "mistral" are two/);
    refused("qwen3", { model_type: "qwen3_moe" }, /"qwen3_moe" is not supported/);
  });

  it("have the defaults of transformers where a key is absent", () => {
    const absent = (name: FixtureName, key: string): ModelConfig => read(name, { [key]: undefined });
    assert.equal(absent("qwen3", "head_dim").headDim, 128);
    assert.equal(absent("llama", "head_dim").headDim, 16);
    assert.equal(absent("llama", "num_key_value_heads").keyValueHeads, 2);
    assert.equal(absent("mistral", "max_position_embeddings").maxPositions, 131_072);
    assert.equal(absent("llama", "max_position_embeddings").maxPositions, 2048);
    refused("mistral", { num_key_value_heads: undefined }, /4 heads cannot share 8/);
    refused("qwen3", { num_key_value_heads: undefined }, /4 heads cannot share 32/);
  });

  it("have biases only where their own configuration has them", () => {
    const names = (name: FixtureName): string[] => [...loadModel(fixture(name).folder).weights.keys()];
    const biases = (name: FixtureName): number => names(name).filter((one) => one.endsWith(".bias")).length;
    assert.deepEqual(cases.map(biases), [6, 0, 14, 0, 0]);
    assert.equal(names("qwen3").filter((one) => /\.self_attn\.[qk]_norm\.weight$/.test(one)).length, 4);
    const inert = { attention_bias: true, mlp_bias: true };
    assert.deepEqual(read("mistral", inert), read("mistral"));
    assert.deepEqual(read("qwen3", { mlp_bias: true }), read("qwen3"));
    assert.equal(read("qwen3", inert).attentionBias, true);
  });

  it("Mistral's window is refused where it is shorter than the positions, and where it is not named", () => {
    refused(
      "mistral",
      { sliding_window: 32 },
      /a sliding window of 32 tokens, shorter than its 64 positions/,
    );
    refused(
      "mistral",
      { sliding_window: undefined, max_position_embeddings: 32_768 },
      /window of 4096 tokens/,
    );
    assert.deepEqual(read("mistral", { sliding_window: 64 }), read("mistral"));
    assert.deepEqual(read("mistral", { sliding_window: null }), read("mistral"));
  });

  it("Llama 3's stretched positions are read in both layouts, and refused where a number is missing", () => {
    const { rope_scaling: scaling } = json("llama") as { rope_scaling: Record<string, unknown> };
    const config = read("llama");
    assert.deepEqual(config.ropeScaling, {
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalMaxPositions: 64,
    });
    const newer = {
      rope_scaling: undefined,
      rope_theta: undefined,
      rope_parameters: { ...scaling, rope_theta: 1e4 },
    };
    assert.deepEqual(read("llama", newer), config);
    for (const key of Object.keys(scaling).filter((one) => one !== "rope_type"))
      refused("llama", { rope_scaling: { ...scaling, [key]: undefined } }, new RegExp(`"llama3".*"${key}"`));
    const top = read("llama", { original_max_position_embeddings: 32 });
    assert.equal(top.ropeScaling?.originalMaxPositions, 32);
    refused("llama", { rope_scaling: { ...scaling, high_freq_factor: 1 } }, /"high_freq_factor"/);
    refused("llama", { rope_scaling: { ...scaling, rope_type: "yarn" } }, /rope type "yarn"/);
  });
});
