/**
 * A decoder as an ONNX graph with a key-value cache, by the names that Hugging Face's tools expect (optimum's
 * "text-generation-with-past"), from ONNX's own operators only: ONNX Runtime runs it everywhere, browsers included.
 */
import { join } from "node:path";
import { InputError, writeFileWhole, writeJson } from "../../base/index.js";
import {
  architectureOf,
  copyTokenizer,
  hasBias,
  hfConfig,
  type ModelConfig,
  type ModelFiles,
  type Projection,
  projectionPath,
} from "../files/index.js";
import { rotaryFrequencies } from "../positions.js";
import { FLOAT, Graph, INT64 } from "./protobuf.js";

/** Protocol Buffers hold two gigabytes at most, and larger models would need a second file. */
const MOST_BYTES = 2 ** 31 - 1;

/** ONNX 17: the newest operators whose axes are still attributes, which every ONNX Runtime since 1.12 has. */
const OPSET = 17;

/**
 * Writes a folder that @huggingface/transformers opens (`onnx/model.onnx`, configuration, tokenizer), in float32.
 * @param tokenizerFrom the folder whose tokenizer goes along
 * @throws InputError when the model is too large for one file
 * @throws RunError when it cannot be written
 */
export function saveOnnx(folder: string, model: ModelFiles, tokenizerFrom: string): void {
  const graph = decoderGraph(model);
  writeFileWhole(join(folder, "onnx", "model.onnx"), graph);
  copyTokenizer(tokenizerFrom, folder);
  const { eosTokenIds: eos } = model.config;
  writeJson(join(folder, "generation_config.json"), { eos_token_id: eos.length === 1 ? eos[0] : eos });
  writeJson(join(folder, "config.json"), hfConfig(model.config));
}

/** The bytes of `model.onnx`. Batch, length and cache may have any size. */
export function decoderGraph({ config, weights }: ModelFiles): Uint8Array {
  let bytes = 0;
  for (const { shape } of weights.values()) bytes += 4 * shape.reduce((a, b) => a * b, 1);
  if (bytes > MOST_BYTES) {
    throw new InputError("A model of two gigabytes or more in float32 does not fit into one ONNX file.");
  }
  const g = new Graph();
  const parameter = (name: string): string => {
    const weight = weights.get(name)!;
    return g.floats(weight.data(), weight.shape, name);
  };
  const { layers, keyValueHeads, headDim } = config;
  const cache = ["batch", keyValueHeads, "past", headDim] as const;
  const ids = g.input("input_ids", INT64, ["batch", "length"]);
  const mask = g.input("attention_mask", INT64, ["batch", "total"]);
  const positions = g.input("position_ids", INT64, ["batch", "length"]);
  for (let layer = 0; layer < layers; layer++) {
    for (const what of ["key", "value"]) g.input(`past_key_values.${layer}.${what}`, FLOAT, cache);
  }

  const embedding = parameter("model.embed_tokens.weight");
  const shared: Shared = {
    g,
    config,
    parameter,
    angles: rotaryAngles(g, config, positions),
    visible: visibleKeys(g, ids, mask),
  };
  let x = g.node("Gather", [embedding, ids]);
  for (let layer = 0; layer < layers; layer++) x = decoderLayer(shared, layer, x);
  const h = rmsNorm(shared, x, "model.norm.weight");
  const head = config.tiedEmbeddings ? embedding : parameter("lm_head.weight");
  g.node("MatMul", [h, g.node("Transpose", [head], { perm: [1, 0] })], {}, "logits");

  g.output("logits", FLOAT, ["batch", "length", config.vocabSize]);
  for (let layer = 0; layer < layers; layer++) {
    for (const what of ["key", "value"])
      g.output(`present.${layer}.${what}`, FLOAT, ["batch", keyValueHeads, "total", headDim]);
  }
  return g.model(OPSET);
}

interface Shared {
  readonly g: Graph;
  readonly config: ModelConfig;
  readonly parameter: (name: string) => string;
  /** `[batch, 1, length, headDim]` each. */
  readonly angles: { readonly cos: string; readonly sin: string };
  /** Booleans `[batch, 1, length, total]`. */
  readonly visible: string;
}

function scalar(g: Graph, value: number): string {
  return g.floats(Float32Array.of(value), []);
}

/** A token sees the tokens up to itself that the attention mask does not hide. */
function visibleKeys(g: Graph, ids: string, mask: string): string {
  const one = g.integers([1], []);
  const sizeOf = (x: string): string => g.node("Gather", [g.node("Shape", [x]), one]);
  const [length, total] = [sizeOf(ids), sizeOf(mask)];
  const [zero, last] = [g.integers([0], []), g.integers([1])];
  const keys = g.node("Range", [zero, total, one]);
  const queries = g.node("Range", [g.node("Sub", [total, length]), total, one]);
  const causal = g.node("LessOrEqual", [keys, g.node("Unsqueeze", [queries, last])]);
  const shown = g.node("Cast", [g.node("Unsqueeze", [mask, g.integers([1, 2])])], { to: 9 });
  return g.node("And", [causal, shown]);
}

function rotaryAngles(g: Graph, config: ModelConfig, positions: string): Shared["angles"] {
  const frequencies = rotaryFrequencies(config);
  const at = g.node("Unsqueeze", [g.node("Cast", [positions], { to: FLOAT }), g.integers([1, 3])]);
  const angle = g.node("Mul", [at, g.floats(frequencies, [frequencies.length])]);
  const both = g.node("Concat", [angle, angle], { axis: 3 });
  return { cos: g.node("Cos", [both]), sin: g.node("Sin", [both]) };
}

function rmsNorm({ g, config, parameter }: Shared, x: string, weight: string): string {
  const mean = g.node("ReduceMean", [g.node("Mul", [x, x])], { axes: [-1], keepdims: 1 });
  const root = g.node("Sqrt", [g.node("Add", [mean, scalar(g, config.rmsNormEps)])]);
  return g.node("Mul", [g.node("Div", [x, root]), parameter(weight)]);
}

function project({ g, config, parameter }: Shared, layer: number, x: string, projection: Projection): string {
  const path = projectionPath(layer, projection);
  const y = g.node("MatMul", [x, g.node("Transpose", [parameter(`${path}.weight`)], { perm: [1, 0] })]);
  return hasBias(config, projection) ? g.node("Add", [y, parameter(`${path}.bias`)]) : y;
}

/** `x · cos + rotateHalf(x) · sin`. */
function rotary({ g, config, angles }: Shared, x: string): string {
  const [axis, half] = [g.integers([3]), g.integers([config.headDim / 2])];
  const first = g.node("Slice", [x, g.integers([0]), half, axis]);
  const second = g.node("Slice", [x, half, g.integers([config.headDim]), axis]);
  const turned = g.node("Concat", [g.node("Neg", [second]), first], { axis: 3 });
  return g.node("Add", [g.node("Mul", [x, angles.cos]), g.node("Mul", [turned, angles.sin])]);
}

function decoderLayer(shared: Shared, layer: number, x: string): string {
  const { g, config, visible } = shared;
  const { heads, keyValueHeads, headDim } = config;
  const path = `model.layers.${layer}`;
  const h = rmsNorm(shared, x, `${path}.input_layernorm.weight`);
  const inHeads = (projection: Projection, count: number): string => {
    const split = g.node("Reshape", [
      project(shared, layer, h, projection),
      g.integers([0, 0, count, headDim]),
    ]);
    return g.node("Transpose", [split], { perm: [0, 2, 1, 3] });
  };
  const normed = (of: "q" | "k", x: string): string =>
    architectureOf(config).headNorms ? rmsNorm(shared, x, `${path}.self_attn.${of}_norm.weight`) : x;
  const q = rotary(shared, normed("q", inHeads("q_proj", heads)));
  const withPast = (what: string, fresh: string): string =>
    g.node("Concat", [`past_key_values.${layer}.${what}`, fresh], { axis: 2 }, `present.${layer}.${what}`);
  // Query head h reads key/value head floor(h / group).
  const forEveryHead = (of: string): string => {
    const group = heads / keyValueHeads;
    if (group === 1) return of;
    const one = g.node("Unsqueeze", [of, g.integers([2])]);
    const copies = g.node(
      "Concat",
      Array.from({ length: group }, () => one),
      { axis: 2 },
    );
    return g.node("Reshape", [copies, g.integers([0, heads, -1, headDim])]);
  };
  const k = forEveryHead(withPast("key", rotary(shared, normed("k", inHeads("k_proj", keyValueHeads)))));
  const v = forEveryHead(withPast("value", inHeads("v_proj", keyValueHeads)));
  const products = g.node("MatMul", [q, g.node("Transpose", [k], { perm: [0, 1, 3, 2] })]);
  const scaled = g.node("Mul", [products, scalar(g, 1 / Math.sqrt(headDim))]);
  const weights = g.node("Softmax", [g.node("Where", [visible, scaled, scalar(g, -3.4e38)])], { axis: -1 });
  const mixed = g.node("Transpose", [g.node("MatMul", [weights, v])], { perm: [0, 2, 1, 3] });
  const joined = g.node("Reshape", [mixed, g.integers([0, 0, heads * headDim])]);
  const after = g.node("Add", [x, project(shared, layer, joined, "o_proj")]);
  const n = rmsNorm(shared, after, `${path}.post_attention_layernorm.weight`);
  const gate = project(shared, layer, n, "gate_proj");
  const silu = g.node("Mul", [gate, g.node("Sigmoid", [gate])]);
  const inner = g.node("Mul", [silu, project(shared, layer, n, "up_proj")]);
  return g.node("Add", [after, project(shared, layer, inner, "down_proj")]);
}
