/**
 * The parameters of a model by Hugging Face's names, which are the only names used here, with their shapes.
 * A linear layer's weight is stored `[out, in]`.
 */
import { elements } from "./safetensors.js";
import { architectureOf, hasBias } from "./architecture.js";
import type { ModelConfig } from "./config.js";

/** The linear layers of one decoder layer, by the name that adapters use. */
export const projections = [
  "q_proj",
  "k_proj",
  "v_proj",
  "o_proj",
  "gate_proj",
  "up_proj",
  "down_proj",
] as const;

/** One of the seven linear layers. */
export type Projection = (typeof projections)[number];

/** The full name of a linear layer without its `.weight`, e.g. `model.layers.0.self_attn.q_proj`. */
export function projectionPath(layer: number, projection: Projection): string {
  const block = /^[qkvo]_/.test(projection) ? "self_attn" : "mlp";
  return `model.layers.${layer}.${block}.${projection}`;
}

/** The shape `[out, in]` of a linear layer. */
export function projectionShape(config: ModelConfig, projection: Projection): readonly [number, number] {
  const { hiddenSize: d, intermediateSize: inner, headDim } = config;
  const query = config.heads * headDim;
  const keyValue = config.keyValueHeads * headDim;
  const shapes: Readonly<Record<Projection, readonly [number, number]>> = {
    q_proj: [query, d],
    k_proj: [keyValue, d],
    v_proj: [keyValue, d],
    o_proj: [d, query],
    gate_proj: [inner, d],
    up_proj: [inner, d],
    down_proj: [d, inner],
  };
  return shapes[projection];
}

/** Every parameter's name and shape, from the embedding to the output. With tied embeddings there is no `lm_head.weight`. */
export function parameterShapes(config: ModelConfig): ReadonlyMap<string, readonly number[]> {
  const d = config.hiddenSize;
  const { headNorms } = architectureOf(config);
  const shapes = new Map<string, readonly number[]>([["model.embed_tokens.weight", [config.vocabSize, d]]]);
  for (let layer = 0; layer < config.layers; layer++) {
    shapes.set(`model.layers.${layer}.input_layernorm.weight`, [d]);
    for (const projection of projections) {
      const path = projectionPath(layer, projection);
      const shape = projectionShape(config, projection);
      if (projection === "gate_proj")
        shapes.set(`model.layers.${layer}.post_attention_layernorm.weight`, [d]);
      shapes.set(`${path}.weight`, shape);
      if (headNorms && projection === "o_proj") {
        for (const of of ["q", "k"])
          shapes.set(`model.layers.${layer}.self_attn.${of}_norm.weight`, [config.headDim]);
      }
      if (hasBias(config, projection)) shapes.set(`${path}.bias`, [shape[0]]);
    }
  }
  shapes.set("model.norm.weight", [d]);
  if (!config.tiedEmbeddings) shapes.set("lm_head.weight", [config.vocabSize, d]);
  return shapes;
}

/** How many numbers a model of this shape has (tied embeddings counted once). */
export function parameterCount(config: ModelConfig): number {
  let count = 0;
  for (const shape of parameterShapes(config).values()) count += elements(shape);
  return count;
}
