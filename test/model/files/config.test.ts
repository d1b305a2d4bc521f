import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../../lib/base/index.js";
import { parseModelConfig } from "../../../lib/model/index.js";
import { fixture } from "../../fixtures/index.js";

/** What transformers 5.24 was seen to do with each of these changes to the configuration of the fixture `gqa-tied`. */
describe("config.json is read as transformers reads it", () => {
  const text = readFileSync(join(fixture("gqa-tied").folder, "config.json"), "utf8");
  const read = (changes: Record<string, unknown>): ReturnType<typeof parseModelConfig> =>
    parseModelConfig({ ...(JSON.parse(text) as Record<string, unknown>), ...changes });
  const refused = (changes: Record<string, unknown>, message: RegExp): void =>
    assert.throws(
      () => read(changes),
      (error: unknown) => error instanceof InputError && message.test(error.message),
      JSON.stringify(changes),
    );
  const plain = { rope_type: "default", rope_theta: 1e6 };
  const yarn = { factor: 4, original_max_position_embeddings: 64 };

  it("rope_scaling goes before rope_parameters, base and all, unless it is empty (A6)", () => {
    for (const rope_scaling of [
      { type: "yarn", ...yarn },
      { rope_type: "yarn", rope_theta: 1e6, ...yarn },
      { rope_type: "linear", factor: 2 },
      { rope_type: "dynamic", factor: 2 },
      { rope_type: "llama3", factor: 8 },
      { rope_type: "longrope", short_factor: [1], long_factor: [1] },
      { type: "mrope", mrope_section: [1, 1, 2] },
      { type: "default", rope_type: "proportional" },
    ]) {
      const type = rope_scaling.rope_type ?? rope_scaling.type;
      for (const rope_parameters of [plain, undefined, null, {}])
        refused({ rope_parameters, rope_scaling }, new RegExp(`rope type "${type}" \\("rope_scaling"\\)`));
    }
    const theta = (changes: Record<string, unknown>): number => read(changes).ropeTheta;
    assert.equal(theta({ rope_parameters: plain, rope_scaling: {} }), 1e6);
    assert.equal(theta({ rope_parameters: plain, rope_scaling: null }), 1e6);
    assert.equal(theta({ rope_parameters: plain, rope_scaling: { type: "default" } }), 1e4);
    assert.equal(theta({ rope_parameters: plain, rope_scaling: { type: "default" }, rope_theta: 5e5 }), 5e5);
    assert.equal(theta({ rope_scaling: { rope_type: "default", type: "yarn", rope_theta: 7 } }), 7);
  });

  it("the base lies beside the kind, else at the top, else it is ten thousand", () => {
    const theta = (changes: Record<string, unknown>): number => read(changes).ropeTheta;
    assert.equal(theta({ rope_parameters: plain, rope_theta: 5 }), 1e6);
    assert.equal(theta({ rope_parameters: plain, rope_theta: null }), 1e6);
    assert.equal(theta({ rope_parameters: { rope_type: "default" }, rope_theta: 5 }), 5);
    assert.equal(theta({ rope_parameters: null }), 1e4);
    assert.equal(theta({ rope_parameters: { ...plain, factor: 8 } }), 1e6);
  });

  it("a kind or base that Python fails on is refused by name", () => {
    refused({ rope_parameters: { ...plain, rope_theta: null } }, /base null \("rope_theta"\)/);
    refused({ rope_parameters: { rope_type: "default" }, rope_theta: null }, /base null/);
    refused({ rope_parameters: { ...plain, rope_theta: "1e6" } }, /base "1e6"/);
    refused({ rope_parameters: { rope_type: null, rope_theta: 1 } }, /rope type null/);
    refused({ rope_parameters: { type: null, rope_theta: 1 } }, /rope type null/);
    refused({ rope_parameters: { ...plain, rope_type: "Default" } }, /rope type "Default"/);
    refused({ rope_parameters: { full_attention: plain } }, /each kind of layer \("full_attention"/);
    refused({ rope_parameters: plain, partial_rotary_factor: 0.5 }, /partial rotary factor of 0\.5/);
    refused({ rope_parameters: { ...plain, partial_rotary_factor: 0.25 } }, /partial rotary factor/);
    for (const rope_scaling of ["yarn", 4, [1]]) refused({ rope_scaling }, /"rope_scaling"/);
  });

  it("a window slides where transformers lets it slide, and only there", () => {
    const window = { use_sliding_window: true, sliding_window: 4, layer_types: null };
    refused({ ...window, max_window_layers: 0 }, /sliding window of 4 tokens/);
    refused({ ...window, max_window_layers: 1 }, /sliding window/);
    for (const fine of [
      { ...window, max_window_layers: 2 },
      { ...window, max_window_layers: undefined },
      { ...window, max_window_layers: 0, use_sliding_window: false },
      { ...window, max_window_layers: 0, sliding_window: null },
      { ...window, max_window_layers: 0, sliding_window: 256 },
      { ...window, max_window_layers: 0, layer_types: ["full_attention", "attention"] },
    ])
      assert.equal(read(fine).layers, 2, JSON.stringify(fine));
    const types = ["full_attention", "sliding_attention"];
    refused({ use_sliding_window: true, sliding_window: 4, layer_types: types }, /"sliding_attention"/);
    refused({ sliding_window: 4, layer_types: types }, /"sliding_attention"/);
    refused({ layer_types: ["full_attention", "linear_attention"] }, /"linear_attention"/);
    refused({ layer_types: ["full_attention"] }, /1 "layer_types" for 2 layers/);
  });

  it("what else changes the numbers is refused by name, and what does not is left alone", () => {
    refused({ hidden_act: "gelu" }, /activation "gelu"/);
    refused({ is_causal: false }, /"is_causal"/);
    refused({ per_layer_config: { 0: { head_dim: 4 } } }, /"per_layer_config"/);
    refused({ transformers_weights: "other.safetensors" }, /"transformers_weights"/);
    refused({ quantization_config: {} }, /quantised/);
    // transformers picks the code by the type.
    refused({ model_type: "llama" }, /"Qwen2ForCausalLM" and the type "llama" are two/);
    refused(
      { model_type: "gemma" },
      /"gemma" is not supported; these are: Qwen2ForCausalLM .*MistralForCausalLM/,
    );
    refused({ num_hidden_layers: 1e9, layer_types: null }, /"num_hidden_layers"/);
    // Qwen2 always has biases on q, k and v and nowhere else; Llama's keys for them are not read.
    const inert = { hidden_act: "swish", attention_bias: false, mlp_bias: true, per_layer_config: {} };
    assert.deepEqual(read(inert), read({}));
  });

  it("null is as absent (A13), except where Python fails on it", () => {
    const absent = (key: string): ReturnType<typeof parseModelConfig> => read({ [key]: undefined });
    for (const key of [
      ...["architectures", "rope_theta", "rope_scaling", "rope_parameters", "sliding_window", "layer_types"],
      ...["quantization_config", "eos_token_id", "per_layer_config", "partial_rotary_factor", "dtype"],
      ...["tie_word_embeddings", "initializer_range", "attention_dropout", "use_sliding_window", "head_dim"],
    ])
      assert.deepEqual(read({ [key]: null }), absent(key), key);
    for (const key of ["vocab_size", "hidden_size", "rms_norm_eps", "hidden_act", "max_position_embeddings"])
      refused({ [key]: null }, new RegExp(`"${key}"`));
  });
});
