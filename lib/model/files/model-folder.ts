/** A model as a folder in Hugging Face's layout: `config.json`, the weights, and the tokenizer's files. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { z } from "zod";
import { InputError, readJson, writeFileWhole, writeJson } from "../../base/index.js";
import { hfConfig, readModelConfig, type ModelConfig } from "./config.js";
import { parameterShapes } from "./parameters.js";
import { readSafetensorsHeader, type TensorPlace } from "./safetensors-header.js";
import { readFloats, sameValues, writeSafetensors, type FloatType } from "./safetensors.js";

/** One parameter whose values are fetched when needed. */
export interface Weight {
  /** Row-major; a linear layer's weight is `[out, in]`. */
  readonly shape: readonly number[];
  /**
   * The values as float32: read, converted or drawn anew at each call, so keep what you use and let go of the rest.
   * @param into an array of the right length to fill instead of a new one
   */
  data(into?: Float32Array): Float32Array;
}

/** Parameters by Hugging Face's names (see `parameterShapes`). */
export type Weights = ReadonlyMap<string, Weight>;

/** A model's shape and its parameters, in memory or still on disk. */
export interface ModelFiles {
  readonly config: ModelConfig;
  readonly weights: Weights;
}

/**
 * Opens a model folder: reads the configuration and the headers of the weights and checks every name, shape and element
 * type, but reads no values yet.
 * @throws InputError when anything is missing, broken, unsupported or does not fit
 */
export function loadModel(folder: string): ModelFiles {
  if (!existsSync(folder)) throw new InputError(`There is no model folder ${folder}.`);
  if (!statSync(folder).isDirectory()) throw new InputError(`${folder} is not a model folder but a file.`);
  if (!existsSync(join(folder, "config.json"))) {
    throw new InputError(`${folder} is not a model folder: it has no config.json.`);
  }
  const config = readModelConfig(folder);
  const places = findTensors(folder);
  const weights = new Map<string, Weight>();
  for (const [name, shape] of parameterShapes(config)) {
    const place = places.get(name);
    if (!place) throw new InputError(`The weights in ${folder} lack "${name}", which config.json asks for.`);
    checkPlace(name, place, shape);
    weights.set(name, { shape, data: (into) => readFloats(name, place, into) });
  }
  const [embedding, head] = [places.get("model.embed_tokens.weight")!, places.get("lm_head.weight")];
  if (config.tiedEmbeddings && head && !sameValues(embedding, head)) {
    throw new InputError(
      `${folder}: config.json ties the output to the embedding ("tie_word_embeddings": true), and the weights hold a ` +
        `"lm_head.weight" of other values: set it to false if those are meant, or take "lm_head.weight" out.`,
    );
  }
  for (const name of places.keys()) {
    if (!weights.has(name) && !isRedundant(name)) {
      throw new InputError(`The weights in ${folder} hold "${name}", which config.json knows nothing of.`);
    }
  }
  return { config, weights };
}

/**
 * Saves a model: weights, configuration and, from another folder, the tokenizer's files. Each file is written whole or not
 * at all, and the configuration last, so that a folder that was cut short is no model. Transformers loads it unchanged.
 * @param options.dtype how the weights are stored; `BF16` halves the file and rounds. __Default:__ `F32`
 * @param options.tokenizerFrom the folder whose tokenizer goes along
 * @throws RunError when it cannot be written
 */
export function saveModel(
  folder: string,
  model: ModelFiles,
  options: { readonly dtype?: FloatType; readonly tokenizerFrom?: string } = {},
): void {
  const { dtype = "F32", tokenizerFrom } = options;
  const weights = new Map<string, Weight>();
  for (const [name, shape] of parameterShapes(model.config)) {
    const weight = model.weights.get(name);
    if (!weight) throw new RangeError(`The model to save lacks "${name}".`);
    if (weight.shape.join() !== shape.join()) {
      throw new RangeError(`"${name}" is [${weight.shape.join(", ")}] and must be [${shape.join(", ")}].`);
    }
    weights.set(name, weight);
  }
  writeSafetensors(join(folder, "model.safetensors"), weights, { dtype });
  if (tokenizerFrom !== undefined) copyTokenizer(tokenizerFrom, folder);
  const names = { F32: "float32", F16: "float16", BF16: "bfloat16" } as const;
  writeJson(join(folder, "config.json"), hfConfig(model.config, names[dtype]));
}

/** The files that make up a tokenizer in Hugging Face's layout, and the defaults for generation. */
const TOKENIZER_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
  "vocab.json",
  "merges.txt",
  "chat_template.jinja",
  "generation_config.json",
];

/**
 * Copies the tokenizer's files that are there.
 * @throws RunError when one cannot be written
 */
export function copyTokenizer(from: string, to: string): void {
  for (const name of TOKENIZER_FILES) {
    const source = join(from, name);
    if (existsSync(source) && join(to, name) !== source) writeFileWhole(join(to, name), readFileSync(source));
  }
}

/** Bytes that the weights of a folder take on disk. */
export function weightBytes(folder: string): number {
  const files = new Set([...findTensors(folder).values()].map((place) => place.file));
  return [...files].reduce((sum, file) => sum + statSync(file).size, 0);
}

/** Element types in which the weights of a folder are stored, most common first. */
export function storedTypes(folder: string): string[] {
  const counts = new Map<string, number>();
  for (const { dtype, bytes } of findTensors(folder).values())
    counts.set(dtype, (counts.get(dtype) ?? 0) + bytes);
  return [...counts].sort((a, b) => b[1] - a[1]).map(([dtype]) => dtype);
}

/** Every tensor of a folder: one file as it is, or the shards that the index lists. */
function findTensors(folder: string): ReadonlyMap<string, TensorPlace> {
  const single = join(folder, "model.safetensors");
  if (existsSync(single)) return readSafetensorsHeader(single).tensors;
  const index = join(folder, "model.safetensors.index.json");
  if (existsSync(index)) return readShards(folder, index);
  const other = readdirSync(folder).find((name) => /\.(bin|pth|pt|gguf|h5|msgpack)$/.test(name));
  throw new InputError(
    `${folder} is not a model folder: it has no model.safetensors` +
      (other ? `, and ${other} is in a format that is not read here; convert it to safetensors.` : "."),
  );
}

const Index = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

function readShards(folder: string, index: string): ReadonlyMap<string, TensorPlace> {
  const parsed = Index.safeParse(readJson(index, "index of shards"));
  if (!parsed.success)
    throw new InputError(`${index} is not an index of shards: it has no proper "weight_map".`);
  const map = Object.entries(parsed.data.weight_map);
  const places = new Map<string, TensorPlace>();
  for (const shard of new Set(map.map(([, file]) => file))) {
    // The index comes from elsewhere: it may name files beside it, never above it.
    if (basename(shard) !== shard || !shard.endsWith(".safetensors")) {
      throw new InputError(`${index} names the shard "${shard}", which is not a safetensors file beside it.`);
    }
    for (const [name, place] of readSafetensorsHeader(join(folder, shard)).tensors) {
      if (parsed.data.weight_map[name] !== shard) {
        throw new InputError(
          `${shard} in ${folder} holds "${name}", which the index places elsewhere or nowhere.`,
        );
      }
      places.set(name, place);
    }
  }
  for (const [name, shard] of map) {
    if (!places.has(name))
      throw new InputError(`${index} places "${name}" in ${shard}, which does not hold it.`);
  }
  return places;
}

function checkPlace(name: string, place: TensorPlace, shape: readonly number[]): void {
  if (place.shape.join() !== shape.join()) {
    throw new InputError(
      `"${name}" in ${place.file} is [${place.shape.join(", ")}], and config.json asks for [${shape.join(", ")}].`,
    );
  }
  if (!["F32", "F16", "BF16"].includes(place.dtype)) {
    throw new InputError(`"${name}" in ${place.file} is ${place.dtype}; weights must be F32, F16 or BF16.`);
  }
}

/** Tensors that transformers stores in some files and does not need: a tied output, the same again, and rotary tables of old versions. */
function isRedundant(name: string): boolean {
  return name === "lm_head.weight" || name.endsWith(".rotary_emb.inv_freq");
}
