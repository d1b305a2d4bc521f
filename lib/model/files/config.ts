/**
 * The architecture of a model, read from Hugging Face's `config.json`, and written again. Architectures are taken only as far
 * as they are really computed: anything that would change the numbers and is not implemented is refused.
 * Source: transformers, the `configuration_….py` of each model, in its layouts of version 4 and of version 5.
 */
import { join } from "node:path";
import { z } from "zod";
import { InputError, readJson } from "../../base/index.js";
import {
  architectureOf,
  architectures,
  knownArchitectures,
  type ModelType,
  modelTypes,
  type Parts,
  typeOfClass,
} from "./architecture.js";
import { hfScaling, type Llama3Scaling, RopeKeys, ropeOf } from "./rope.js";

/** The shape of a model. */
export interface ModelConfig extends Parts {
  /** How the frequencies of the rotary positions are stretched; not at all where it is absent. */
  readonly ropeScaling?: Llama3Scaling;
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
/** More layers than any model has: a file that claims more is broken. */
const MOST_LAYERS = 10_000;
const HfConfig = z.looseObject({
  architectures: z.array(z.string()).nullish(),
  model_type: z.string().nullish(),
  vocab_size: positive,
  hidden_size: positive,
  intermediate_size: positive,
  num_hidden_layers: positive.max(MOST_LAYERS),
  num_attention_heads: positive,
  num_key_value_heads: positive.nullish(),
  head_dim: positive.nullish(),
  max_position_embeddings: positive.optional(),
  rms_norm_eps: z.number().nonnegative().default(1e-6),
  ...RopeKeys,
  tie_word_embeddings: z.boolean().nullish(),
  initializer_range: z.number().positive().nullish(),
  hidden_act: z.string().default("silu"),
  attention_dropout: z.number().nullish(),
  attention_bias: z.boolean().nullish(),
  mlp_bias: z.boolean().nullish(),
  is_causal: z.boolean().nullish(),
  use_sliding_window: z.boolean().nullish(),
  sliding_window: positive.nullish(),
  max_window_layers: z.number().int().nullish(),
  layer_types: z.array(z.string()).nullish(),
  per_layer_config: z.unknown().optional(),
  transformers_weights: z.unknown().optional(),
  quantization_config: z.unknown().optional(),
  eos_token_id: z.union([z.number().int(), z.array(z.number().int())]).nullish(),
});
type HfConfig = z.infer<typeof HfConfig>;

/** `max_window_layers` and `sliding_window` of a Qwen2 configuration that does not name them. */
const WINDOW = { layers: 28, tokens: 4096 };
/** The names under which transformers knows the sigmoid linear unit. */
const SILU: readonly string[] = ["silu", "swish"];

/**
 * Reads `config.json` of a model folder.
 * @throws InputError when it is missing, is not a configuration of a known architecture, or asks for what is not implemented (and says what).
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
  const modelType = typeNamed(json, where);
  const architecture = architectures[modelType];
  const parsed = HfConfig.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new InputError(
      `${where} is not a configuration of ${architecture.className}: "${issue.path.join(".")}": ${issue.message}.`,
    );
  }
  const c = parsed.data;
  const longest = c.max_position_embeddings ?? architecture.maxPositions;
  const rope = ropeOf(c);
  const { attention_dropout: dropout, per_layer_config: perLayer } = c;
  const unsupported = [
    "reason" in rope && rope.reason,
    !SILU.includes(c.hidden_act) && `the activation "${c.hidden_act}"`,
    (dropout ?? 0) !== 0 && "dropout in the attention",
    c.is_causal === false && `attention in both directions ("is_causal": false)`,
    otherAttention(c, longest, architecture.window),
    perLayer !== undefined && !isNothing(perLayer) && `layers of different shapes ("per_layer_config")`,
    !isNothing(c.transformers_weights) && `weights in a file of another name ("transformers_weights")`,
    (c.quantization_config ?? null) !== null && "quantised weights",
  ].find((reason) => typeof reason === "string");
  if (unsupported !== undefined || "reason" in rope)
    throw new InputError(`${where} asks for ${unsupported}, which is not supported.`);

  const unnamedHeads = c.num_key_value_heads === undefined ? architecture.keyValueHeads : undefined;
  const keyValueHeads = c.num_key_value_heads ?? unnamedHeads ?? c.num_attention_heads;
  const headDim =
    (c.head_dim === undefined ? architecture.headDim : c.head_dim) ?? c.hidden_size / c.num_attention_heads;
  if (c.num_attention_heads % keyValueHeads !== 0) {
    throw new InputError(
      `${where}: ${c.num_attention_heads} heads cannot share ${keyValueHeads} key/value heads.`,
    );
  }
  if (!Number.isInteger(headDim) || headDim % 2 !== 0) {
    throw new InputError(`${where}: a head of width ${headDim} has no rotary positions; it must be even.`);
  }
  const biased = (key: "attention_bias" | "mlp_bias"): boolean =>
    c[key] === true && architecture.biasKeys.includes(key);
  return {
    ...(modelType !== "qwen2" && { modelType }),
    ...(biased("attention_bias") && { attentionBias: true as const }),
    ...(biased("mlp_bias") && { mlpBias: true as const }),
    ...(rope.scaling && { ropeScaling: rope.scaling }),
    vocabSize: c.vocab_size,
    hiddenSize: c.hidden_size,
    intermediateSize: c.intermediate_size,
    layers: c.num_hidden_layers,
    heads: c.num_attention_heads,
    keyValueHeads,
    headDim,
    maxPositions: longest,
    rmsNormEps: c.rms_norm_eps,
    ropeTheta: rope.theta,
    tiedEmbeddings: c.tie_word_embeddings ?? false,
    initializerRange: c.initializer_range ?? 0.02,
    eosTokenIds: typeof c.eos_token_id === "number" ? [c.eos_token_id] : (c.eos_token_id ?? []),
  };
}

/**
 * The kind of attention, other than the full one, that some layer has. As transformers reads it: `layer_types` where they are given,
 * else a sliding window in the layers from `max_window_layers` on. A window that no sequence is longer than hides nothing.
 * @param always the width of the window of an architecture that slides in every layer, where the configuration does not name it
 */
function otherAttention(c: HfConfig, longest: number, always: number | undefined): string | false {
  const { layer_types: types, num_hidden_layers: layers } = c;
  if (always !== undefined) {
    const width = c.sliding_window === undefined ? always : c.sliding_window;
    if (width !== null && width < longest)
      return `a sliding window of ${width} tokens, shorter than its ${longest} positions`;
  }
  const window = c.use_sliding_window
    ? c.sliding_window === undefined
      ? WINDOW.tokens
      : c.sliding_window
    : null;
  const hides = window === null || window < longest;
  if (types) {
    if (types.length !== layers) return `${types.length} "layer_types" for ${layers} layers`;
    const full = ["full_attention", "attention", ...(hides ? [] : ["sliding_attention"])];
    const other = types.find((type) => !full.includes(type));
    return other !== undefined && `layers without full attention ("${other}")`;
  }
  const slides = window !== null && hides && layers > (c.max_window_layers ?? WINDOW.layers);
  return slides && `a sliding window of ${window} tokens`;
}

/** Whether Python counts a value as not given. */
function isNothing(value: unknown): boolean {
  return (value ?? null) === null || (typeof value === "object" && Object.keys(value!).length === 0);
}

/** The architecture, before anything else is looked at: the clearest thing to say about a model that is not computed here. */
function typeNamed(json: unknown, where: string): ModelType {
  const named = z
    .looseObject({ architectures: z.array(z.string()).nullish(), model_type: z.string().nullish() })
    .safeParse(json);
  if (!named.success) throw new InputError(`${where} is not a model configuration.`);
  const [className, type] = [named.data.architectures?.[0] ?? null, named.data.model_type ?? null];
  const ofClass = className === null ? undefined : typeOfClass(className);
  const ofType = modelTypes.find((one) => one === type);
  const unknown =
    className !== null && ofClass === undefined ? className : ofType === undefined ? type : null;
  if (unknown !== null) {
    throw new InputError(
      `${where}: the architecture "${unknown}" is not supported; these are: ${knownArchitectures()}.`,
    );
  }
  const known = ofClass ?? ofType;
  if (known === undefined) {
    throw new InputError(
      `${where} names no architecture; a Qwen2 model has "architectures": ["Qwen2ForCausalLM"].`,
    );
  }
  // transformers picks the code by the type, whatever the architectures say: both must be the same.
  if (ofType !== undefined && ofType !== known) {
    throw new InputError(
      `${where}: the architecture "${className}" and the type "${type}" are two; "model_type" must be "${known}".`,
    );
  }
  return known;
}

/**
 * The `config.json` of a configuration, in the layout that transformers 4 and 5 both read.
 * @param dtype how the weights beside it are stored
 */
export function hfConfig(config: ModelConfig, dtype: "float32" | "float16" | "bfloat16" = "float32"): object {
  const { eosTokenIds, modelType = "qwen2", ropeScaling } = config;
  const { className, biasKeys, window } = architectureOf(config);
  const biases = { attention_bias: config.attentionBias ?? false, mlp_bias: config.mlpBias ?? false };
  return {
    architectures: [className],
    ...Object.fromEntries(biasKeys.map((key) => [key, biases[key]])),
    attention_dropout: 0,
    eos_token_id: eosTokenIds.length === 0 ? null : eosTokenIds.length === 1 ? eosTokenIds[0] : eosTokenIds,
    head_dim: config.headDim,
    hidden_act: "silu",
    hidden_size: config.hiddenSize,
    initializer_range: config.initializerRange,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.maxPositions,
    model_type: modelType,
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.keyValueHeads,
    rms_norm_eps: config.rmsNormEps,
    ...(ropeScaling && { rope_scaling: hfScaling(ropeScaling) }),
    rope_theta: config.ropeTheta,
    ...(window !== undefined && { sliding_window: null }),
    tie_word_embeddings: config.tiedEmbeddings,
    torch_dtype: dtype,
    ...(/^qwen/.test(modelType) && { use_sliding_window: false }),
    vocab_size: config.vocabSize,
  };
}
