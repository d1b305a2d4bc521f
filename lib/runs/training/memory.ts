/** The device memory of a run, counted from the model's shape: an estimate to plan with, not a measurement. */
import {
  type ModelConfig,
  parameterCount,
  type Projection,
  projections,
  projectionShape,
} from "../../model/index.js";

/** The parts of a run that decide its memory. */
export interface MemoryPlan {
  /** An adapter's rank and layers; null trains the whole model. */
  readonly lora: { readonly rank: number; readonly targets?: readonly Projection[] } | null;
  /** Whether a KL term needs a reference: a second copy of the model where no adapter can be switched off. */
  readonly reference: boolean;
  /** Roll-outs that are sampled at once. */
  readonly rollouts: number;
  /** Tokens of a prompt, shared by the samples of one goal; and of a response. */
  readonly promptTokens: number;
  readonly responseTokens: number;
  /** Prompts whose samples are drawn at once. */
  readonly prompts: number;
  /** Packed tokens of a micro-batch. */
  readonly batchTokens: number;
  /** Whether each layer's activations are computed again in the backward pass. */
  readonly recompute: boolean;
}

/** Bytes by purpose; everything is float32, as the tensor engine computes. */
export interface MemoryEstimate {
  readonly weights: number;
  readonly reference: number;
  /** Trained values' gradients and AdamW's two moments. */
  readonly training: number;
  /** Keys and values while sampling. */
  readonly cache: number;
  /** The memory of the backward pass of one micro-batch. */
  readonly activations: number;
  /** Logits of a micro-batch, if every token of it were scored at once, with their gradient. */
  readonly logits: number;
  /** All of it, with sampling and updating after one another: the larger of the two counts. */
  readonly total: number;
}

const FLOAT = 4;

/** Trained values of a plan. */
export function trainedCount(config: ModelConfig, lora: MemoryPlan["lora"]): number {
  if (!lora) return parameterCount(config);
  return (lora.targets ?? projections).reduce((sum, projection) => {
    const [outputs, inputs] = projectionShape(config, projection);
    return sum + config.layers * lora.rank * (inputs + outputs);
  }, 0);
}

/**
 * Counts the large arrays of a run. The activations of a decoder layer are those of its products' inputs and of SwiGLU: the residual
 * stream twice, normed twice, queries, keys, values, the attended values, and three times the inner width.
 */
export function estimateMemory(config: ModelConfig, plan: MemoryPlan): MemoryEstimate {
  const { hiddenSize, intermediateSize, layers, heads, keyValueHeads, headDim, vocabSize } = config;
  const weights = FLOAT * parameterCount(config);
  const trained = trainedCount(config, plan.lora);
  const added = plan.lora ? FLOAT * trained : 0;
  const training = FLOAT * 3 * trained;
  const reference = plan.reference && !plan.lora ? weights : 0;
  const keyValue = 2 * layers * keyValueHeads * headDim * FLOAT;
  const cache = keyValue * (plan.prompts * plan.promptTokens + plan.rollouts * plan.responseTokens);
  const layer =
    FLOAT *
    plan.batchTokens *
    (4 * hiddenSize + 2 * heads * headDim + 2 * keyValueHeads * headDim + 3 * intermediateSize);
  const stream = FLOAT * plan.batchTokens * hiddenSize;
  const activations = plan.recompute ? layers * stream + layer : layers * layer;
  const scored = Math.ceil(
    (plan.batchTokens * plan.responseTokens) / (plan.promptTokens / SHARED_BY + plan.responseTokens),
  );
  const logits = 2 * FLOAT * scored * vocabSize;
  const always = weights + added + reference + training;
  return {
    weights: weights + added,
    reference,
    training,
    cache,
    activations,
    logits,
    total: always + Math.max(cache, activations + logits),
  };
}

/** Samples that share a prompt in one packed row, as in a group of nine. */
const SHARED_BY = 9;
