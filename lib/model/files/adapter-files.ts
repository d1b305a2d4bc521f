/**
 * A LoRA adapter as a folder in PEFT's layout: `adapter_config.json` and `adapter_model.safetensors`.
 * An adapted layer computes `W x + scale · B (A x)` (Hu et al. 2021, equation 3), `A [rank, in]`, `B [out, rank]`.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError, readJson, writeJson } from "../../base/index.js";
import type { ModelConfig } from "./config.js";
import { loadModel, type ModelFiles, type Weight } from "./model-folder.js";
import { projectionPath, projections, projectionShape, type Projection } from "./parameters.js";
import { readFloats, SafetensorsFile, writeSafetensors } from "./safetensors.js";

/** What kind of adapter it is. */
export interface AdapterConfig {
  readonly rank: number;
  readonly alpha: number;
  /** Probability of dropping an input of `A` while training. */
  readonly dropout: number;
  /** The linear layers that are adapted, in every decoder layer. */
  readonly targets: readonly Projection[];
  /** Whether the scale is `alpha / √rank` instead of `alpha / rank` (rank-stabilised LoRA). */
  readonly rankStabilised: boolean;
}

/** The two factors of one adapted layer. */
export interface AdapterFactors {
  /** `A`, `[rank, in]`. */
  readonly a: Weight;
  /** `B`, `[out, rank]`. */
  readonly b: Weight;
}

/** An adapter's kind and its factors by the adapted layer, e.g. `model.layers.0.self_attn.q_proj`. */
export interface AdapterFiles {
  readonly config: AdapterConfig;
  readonly factors: ReadonlyMap<string, AdapterFactors>;
}

/** What `B A x` is multiplied by. */
export function adapterScale(config: AdapterConfig): number {
  return config.alpha / (config.rankStabilised ? Math.sqrt(config.rank) : config.rank);
}

/** PEFT's name of a factor, e.g. `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`. */
export function adapterParameterName(path: string, factor: "A" | "B"): string {
  return `base_model.model.${path}.lora_${factor}.weight`;
}

/** The layers that an adapter adapts, with the shapes of their two factors, in the model's order. */
export function adapterShapes(
  model: ModelConfig,
  adapter: AdapterConfig,
): ReadonlyMap<string, { readonly a: readonly [number, number]; readonly b: readonly [number, number] }> {
  const shapes = new Map<string, { a: [number, number]; b: [number, number] }>();
  for (let layer = 0; layer < model.layers; layer++) {
    for (const projection of projections.filter((name) => adapter.targets.includes(name))) {
      const [outputs, inputs] = projectionShape(model, projection);
      shapes.set(projectionPath(layer, projection), {
        a: [adapter.rank, inputs],
        b: [outputs, adapter.rank],
      });
    }
  }
  return shapes;
}

const nothing = z.union([z.null(), z.undefined(), z.literal(false), z.array(z.never()), z.strictObject({})]);
const PeftConfig = z.looseObject({
  peft_type: z.string(),
  r: z.number().int().positive(),
  lora_alpha: z.number().positive(),
  lora_dropout: z.number().min(0).max(1).default(0),
  target_modules: z.union([z.string(), z.array(z.string())]),
  use_rslora: z.boolean().default(false),
  bias: z.string().default("none"),
});

/** Settings of PEFT that change the computation and are not implemented: they must be absent, null, false or empty. */
const UNSUPPORTED = [
  "use_dora",
  "use_qalora",
  "lora_bias",
  "fan_in_fan_out",
  "modules_to_save",
  "rank_pattern",
  "alpha_pattern",
  "layers_to_transform",
  "layer_replication",
  "exclude_modules",
  "target_parameters",
  "trainable_token_indices",
] as const;

/**
 * Reads `adapter_config.json`.
 * @throws InputError when it is missing or is not plain LoRA on the model's linear layers (and says why)
 */
export function readAdapterConfig(folder: string): AdapterConfig {
  const path = join(folder, "adapter_config.json");
  if (!existsSync(path)) throw new InputError(`${folder} is not an adapter: it has no adapter_config.json.`);
  const json = readJson(path, "adapter configuration");
  const parsed = PeftConfig.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new InputError(`${path} is not a LoRA configuration: "${issue.path.join(".")}": ${issue.message}.`);
  }
  const c = parsed.data;
  if (c.peft_type !== "LORA")
    throw new InputError(`${path}: the adapter type "${c.peft_type}" is not supported; LORA is.`);
  if (c.bias !== "none")
    throw new InputError(`${path}: trained biases ("bias": "${c.bias}") are not supported.`);
  for (const key of UNSUPPORTED) {
    if (!nothing.safeParse(c[key]).success)
      throw new InputError(`${path}: "${key}" is set, which is not supported.`);
  }
  const named = c.target_modules === "all-linear" ? [...projections] : [c.target_modules].flat();
  const odd = named.find((name) => !projections.some((projection) => projection === name));
  if (odd !== undefined) {
    throw new InputError(
      `${path}: the target "${odd}" is not supported; possible are ${projections.join(", ")}.`,
    );
  }
  if (named.length === 0) throw new InputError(`${path} adapts no layer: "target_modules" is empty.`);
  return {
    rank: c.r,
    alpha: c.lora_alpha,
    dropout: c.lora_dropout,
    targets: projections.filter((projection) => named.includes(projection)),
    rankStabilised: c.use_rslora,
  };
}

/**
 * Opens an adapter for a model of the given shape and checks every name and shape; values are read when asked for.
 * @throws InputError when anything is missing, broken, unsupported or does not fit the model
 */
export function loadAdapter(folder: string, model: ModelConfig): AdapterFiles {
  const config = readAdapterConfig(folder);
  const path = join(folder, "adapter_model.safetensors");
  if (!existsSync(path))
    throw new InputError(`${folder} is not an adapter: it has no adapter_model.safetensors.`);
  const file = new SafetensorsFile(path);
  const left = new Set(file.tensors.keys());
  const open = (name: string, shape: readonly number[]): Weight => {
    const place = file.tensors.get(name);
    if (!place) throw new InputError(`${path} lacks "${name}"; was the adapter made for another model?`);
    if (place.shape.join() !== shape.join()) {
      throw new InputError(
        `"${name}" in ${path} is [${place.shape.join(", ")}], and the model asks for [${shape.join(", ")}].`,
      );
    }
    left.delete(name);
    return { shape, data: (into) => readFloats(name, place, into) };
  };
  const factors = new Map<string, AdapterFactors>();
  for (const [layer, { a, b }] of adapterShapes(model, config)) {
    factors.set(layer, {
      a: open(adapterParameterName(layer, "A"), a),
      b: open(adapterParameterName(layer, "B"), b),
    });
  }
  for (const name of left) throw new InputError(`${path} holds "${name}", which the model has no place for.`);
  return { config, factors };
}

/**
 * Saves an adapter so that PEFT loads it unchanged. Each file is written whole or not at all, the configuration last.
 * @param base name or folder of the model that it belongs to, for PEFT's `base_model_name_or_path`
 * @throws RunError when it cannot be written
 */
export function saveAdapter(folder: string, adapter: AdapterFiles, base: string | null = null): void {
  const { config } = adapter;
  const tensors = new Map<string, Weight>();
  for (const [layer, { a, b }] of adapter.factors) {
    tensors.set(adapterParameterName(layer, "A"), a);
    tensors.set(adapterParameterName(layer, "B"), b);
  }
  writeSafetensors(join(folder, "adapter_model.safetensors"), tensors);
  writeJson(join(folder, "adapter_config.json"), {
    base_model_name_or_path: base,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    lora_alpha: config.alpha,
    lora_dropout: config.dropout,
    peft_type: "LORA",
    r: config.rank,
    target_modules: config.targets,
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: config.rankStabilised,
  });
}

/** A model as a training run leaves it: its own weights, or an adapter and the model that the adapter belongs to. */
export interface AdaptedModel {
  readonly model: ModelFiles;
  readonly adapter?: AdapterFiles;
  /** Where the base is, when it is in another folder than the adapter. */
  readonly base?: string;
}

/**
 * Opens a folder that holds a model, a model and an adapter for it, or an adapter alone that names its base's folder.
 * @throws InputError as `loadModel` and `loadAdapter` do, and when the base is not named or not there.
 */
export function loadAdapted(folder: string): AdaptedModel {
  if (!existsSync(join(folder, "adapter_config.json"))) return { model: loadModel(folder) };
  if (existsSync(join(folder, "config.json"))) {
    const model = loadModel(folder);
    return { model, adapter: loadAdapter(folder, model.config) };
  }
  const path = join(folder, "adapter_config.json");
  const parsed = Base.safeParse(readJson(path, "adapter configuration"));
  if (!parsed.success) {
    throw new InputError(`${path} names no base model: set "base_model_name_or_path" to the base's folder.`);
  }
  const base = parsed.data.base_model_name_or_path;
  const model = loadModel(base);
  return { model, adapter: loadAdapter(folder, model.config), base };
}

const Base = z.looseObject({ base_model_name_or_path: z.string().min(1) });
