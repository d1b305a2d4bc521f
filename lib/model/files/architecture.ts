/**
 * The decoder architectures that are computed here. They are one network, in which some parts are there or not: biases,
 * norms of queries and keys, the frequencies of the rotary positions. Source: transformers 5, `models/{qwen2,llama,qwen3,
 * mistral}`.
 */
/** A `model_type` of transformers. */
export type ModelType = "qwen2" | "llama" | "qwen3" | "mistral";

/** An architecture, and what its configuration means where it does not say. */
interface Architecture {
  readonly className: string;
  /** Models of it, for errors. */
  readonly models: string;
  readonly headDim?: number;
  readonly maxPositions: number;
  readonly keyValueHeads?: number;
  /** Projections that always have a bias. */
  readonly biases: string;
  /** Keys of the configuration that add biases. */
  readonly biasKeys: readonly ("attention_bias" | "mlp_bias")[];
  /** RMSNorm over each head of q and k, before they are turned. */
  readonly headNorms: boolean;
  /** Whether a `sliding_window` slides without `use_sliding_window`, and how wide it is where it is not named. */
  readonly window?: number;
}

/** By `model_type`. */
export const architectures: Readonly<Record<ModelType, Architecture>> = {
  qwen2: {
    className: "Qwen2ForCausalLM",
    models: "Qwen2 and Qwen2.5",
    maxPositions: 32_768,
    biases: "qkv",
    biasKeys: [],
    headNorms: false,
  },
  llama: {
    className: "LlamaForCausalLM",
    models: "Llama, SmolLM2 and TinyLlama",
    maxPositions: 2048,
    biases: "",
    biasKeys: ["attention_bias", "mlp_bias"],
    headNorms: false,
  },
  qwen3: {
    className: "Qwen3ForCausalLM",
    models: "Qwen3",
    headDim: 128,
    keyValueHeads: 32,
    maxPositions: 32_768,
    biases: "",
    biasKeys: ["attention_bias"],
    headNorms: true,
  },
  mistral: {
    className: "MistralForCausalLM",
    models: "Mistral",
    keyValueHeads: 8,
    maxPositions: 131_072,
    biases: "",
    biasKeys: [],
    headNorms: false,
    window: 4096,
  },
};

/** The entries of a model's configuration that say which parts are there. */
export interface Parts {
  /** Which architecture; Qwen2 where it is not named, as in the configurations that were written before there were others. */
  readonly modelType?: ModelType;
  /** Biases on q, k, v and o, where the architecture leaves it open. */
  readonly attentionBias?: true;
  /** Biases on the three layers of the SwiGLU, where the architecture leaves it open. */
  readonly mlpBias?: true;
}

/** The architecture of a model. */
export function architectureOf({ modelType = "qwen2" }: Parts): Architecture {
  return architectures[modelType];
}

/** Whether a linear layer has a bias; it is named as `q_proj` is. */
export function hasBias(config: Parts, projection: string): boolean {
  const attends = /^[qkvo]_/.test(projection);
  if (attends ? config.attentionBias : config.mlpBias) return true;
  return attends && architectureOf(config).biases.includes(projection[0]!);
}

/** The type whose class has this name. */
export function typeOfClass(name: string): ModelType | undefined {
  return modelTypes.find((type) => architectures[type].className === name);
}

/** Every type. */
export const modelTypes = Object.keys(architectures) as ModelType[];

/** The classes with their models, as a list in a sentence. */
export function knownArchitectures(): string {
  return modelTypes
    .map((type) => `${architectures[type].className} (${architectures[type].models})`)
    .join(", ");
}
