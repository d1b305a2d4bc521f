/**
 * The architecture of a model, read from Hugging Face's `config.json`. Only Qwen2 (`Qwen2ForCausalLM`) is computed here,
 * and only as far as it is really computed: anything that would change the numbers and is not implemented is refused.
 * Source: transformers, `models/qwen2/configuration_qwen2.py`, in its layouts of version 4 and of version 5.
 */
import { join } from "node:path";
import { z } from "zod";
import { InputError, readJson } from "../../base/index.js";

/** The shape of a Qwen2 model. */
export interface ModelConfig {
  /** Rows of the embedding; token ids are below it. */
  readonly vocabSize: number;
  /** Width of the residual stream, `d`. */
  readonly hiddenSize: number;
  /** Width inside the SwiGLU. */
  readonly intermediateSize: number;
  readonly layers: number;
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads; divides `heads`. */
  readonly keyValueHeads: number;
  /** Width of one head; usually `hiddenSize / heads`, but free. Even. */
  readonly headDim: number;
  /** Longest sequence, in tokens. */
  readonly maxPositions: number;
  readonly rmsNormEps: number;
  /** Base of the rotary positions. */
  readonly ropeTheta: number;
  /** Whether the output projection is the embedding itself. */
  readonly tiedEmbeddings: boolean;
  /** Standard deviation of freshly drawn weights. */
  readonly initializerRange: number;
  /** Ids that end a text, as the configuration names them (the tokenizer may know more). */
  readonly eosTokenIds: readonly number[];
}

const positive = z.number().int().positive();
const Rope = z.looseObject({
  rope_theta: z.number().positive().optional(),
  rope_type: z.string().optional(),
  type: z.string().optional(),
  partial_rotary_factor: z.number().optional(),
});
const HfConfig = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  model_type: z.string().optional(),
  vocab_size: positive,
  hidden_size: positive,
  intermediate_size: positive,
  num_hidden_layers: positive,
  num_attention_heads: positive,
  num_key_value_heads: positive.nullish(),
  head_dim: positive.nullish(),
  max_position_embeddings: positive,
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().optional(),
  rope_scaling: Rope.nullish(),
  rope_parameters: Rope.nullish(),
  tie_word_embeddings: z.boolean().default(false),
  initializer_range: z.number().positive().default(0.02),
  hidden_act: z.string().default("silu"),
  attention_dropout: z.number().default(0),
  use_sliding_window: z.boolean().default(false),
  layer_types: z.array(z.string()).nullish(),
  quantization_config: z.unknown().optional(),
  eos_token_id: z.union([z.number().int(), z.array(z.number().int())]).nullish(),
});

/**
 * Reads `config.json` of a model folder.
 * @throws InputError when it is missing, is not a Qwen2 configuration, or asks for what is not implemented (and says what).
 */
export function readModelConfig(folder: string): ModelConfig {
  const path = join(folder, "config.json");
  return parseModelConfig(readJson(path, "model configuration"), path);
}

/**
 * Checks a parsed `config.json`.
 * @param where names the file in errors
 * @throws InputError as `readModelConfig` does
 */
export function parseModelConfig(json: unknown, where = "config.json"): ModelConfig {
  checkArchitecture(json, where);
  const parsed = HfConfig.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new InputError(
      `${where} is not a Qwen2 configuration: "${issue.path.join(".")}": ${issue.message}.`,
    );
  }
  const c = parsed.data;
  const rope = c.rope_parameters ?? c.rope_scaling ?? {};
  const unsupported = [
    (rope.rope_type ?? rope.type ?? "default") !== "default" &&
      `the rope type "${rope.rope_type ?? rope.type}"`,
    (rope.partial_rotary_factor ?? 1) !== 1 && "a partial rotary factor",
    c.hidden_act !== "silu" && `the activation "${c.hidden_act}"`,
    c.attention_dropout !== 0 && "dropout in the attention",
    c.use_sliding_window && "a sliding window",
    c.layer_types?.some((type) => type !== "full_attention") && "layers without full attention",
    c.quantization_config !== undefined && c.quantization_config !== null && "quantised weights",
  ].find((reason) => typeof reason === "string");
  if (unsupported) throw new InputError(`${where} asks for ${unsupported}, which is not supported.`);

  const keyValueHeads = c.num_key_value_heads ?? c.num_attention_heads;
  const headDim = c.head_dim ?? c.hidden_size / c.num_attention_heads;
  if (c.num_attention_heads % keyValueHeads !== 0) {
    throw new InputError(
      `${where}: ${c.num_attention_heads} heads cannot share ${keyValueHeads} key/value heads.`,
    );
  }
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) {
    throw new InputError(`${where}: a head of width ${headDim} has no rotary positions; it must be even.`);
  }
  return {
    vocabSize: c.vocab_size,
    hiddenSize: c.hidden_size,
    intermediateSize: c.intermediate_size,
    layers: c.num_hidden_layers,
    heads: c.num_attention_heads,
    keyValueHeads,
    headDim,
    maxPositions: c.max_position_embeddings,
    rmsNormEps: c.rms_norm_eps,
    ropeTheta: rope.rope_theta ?? c.rope_theta ?? 10000,
    tiedEmbeddings: c.tie_word_embeddings,
    initializerRange: c.initializer_range,
    eosTokenIds: typeof c.eos_token_id === "number" ? [c.eos_token_id] : (c.eos_token_id ?? []),
  };
}

/** Names an architecture that is not ours before anything else is looked at: the clearest thing to say. */
function checkArchitecture(json: unknown, where: string): void {
  const named = z
    .looseObject({ architectures: z.array(z.string()).nullish(), model_type: z.string().nullish() })
    .safeParse(json);
  if (!named.success) throw new InputError(`${where} is not a model configuration.`);
  const name = named.data.architectures?.[0] ?? named.data.model_type;
  if (name === "Qwen2ForCausalLM" || name === "qwen2") return;
  throw new InputError(
    name
      ? `${where}: the architecture "${name}" is not supported; only Qwen2ForCausalLM is (Qwen2 and Qwen2.5).`
      : `${where} names no architecture; a Qwen2 model has "architectures": ["Qwen2ForCausalLM"].`,
  );
}

/**
 * The `config.json` of a configuration, in the layout that transformers 4 and 5 both read.
 * @param dtype how the weights beside it are stored
 */
export function hfConfig(config: ModelConfig, dtype: "float32" | "float16" | "bfloat16" = "float32"): object {
  const { eosTokenIds } = config;
  return {
    architectures: ["Qwen2ForCausalLM"],
    attention_dropout: 0,
    eos_token_id: eosTokenIds.length === 0 ? null : eosTokenIds.length === 1 ? eosTokenIds[0] : eosTokenIds,
    head_dim: config.headDim,
    hidden_act: "silu",
    hidden_size: config.hiddenSize,
    initializer_range: config.initializerRange,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositions,
    model_type: "qwen2",
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.keyValueHeads,
    rms_norm_eps: config.rmsNormEps,
    rope_theta: config.ropeTheta,
    tie_word_embeddings: config.tiedEmbeddings,
    torch_dtype: dtype,
    use_sliding_window: false,
    vocab_size: config.vocabSize,
  };
}
