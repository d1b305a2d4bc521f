/**
 * A LoRA adapter as a folder in PEFT's layout: `adapter_config.json` and `adapter_model.safetensors`.
 * An adapted layer computes `W x + scale · B (A x)` (Hu et al. 2021, equation 3), `A [rank, in]`, `B [out, rank]`.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError, readJson, writeJson } from "../../base/index.js";
import type { ModelConfig } from "./config.js";
import { parsePeftConfig } from "./peft-config.js";
import { chosenLayers, type LayerFactors } from "./peft-targets.js";
import type { Weight } from "./model-folder.js";
import { projectionPath, projections, projectionShape, type Projection } from "./parameters.js";
import { readFloats, SafetensorsFile, writeSafetensors } from "./safetensors.js";

/** The kind of adapter. */
export interface AdapterConfig {
  readonly rank: number;
  readonly alpha: number;
  /** Probability of dropping an input of `A` while training. */
  readonly dropout: number;
  /** The linear layers that are adapted, in every decoder layer. */
  readonly targets: readonly Projection[];
  /** Whether the scale is `alpha / √rank` instead of `alpha / rank` (rank-stabilised LoRA). */
  readonly rankStabilised: boolean;
  /**
   * Where the adapted layers are not all layers of `targets`, or not all of `rank` and `alpha`: each of them by its path, with
   * its own. A plain object, so that it is copied to workers as it is.
   */
  readonly layers?: Readonly<Record<string, LayerFactors>>;
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

/** The factor of `B A x`, in a layer or in general. */
export function adapterScale(config: AdapterConfig, path?: string): number {
  const { rank, alpha } = (path === undefined ? undefined : config.layers?.[path]) ?? config;
  return alpha / (config.rankStabilised ? Math.sqrt(rank) : rank);
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
      const path = projectionPath(layer, projection);
      const own = adapter.layers ? adapter.layers[path] : adapter;
      if (own) shapes.set(path, { a: [own.rank, inputs], b: [outputs, own.rank] });
    }
  }
  return shapes;
}

/**
 * Reads `adapter_config.json` as PEFT would apply it to a model of the given shape.
 * @throws InputError when it is missing or is not plain LoRA on the model's linear layers (and says why)
 */
export function readAdapterConfig(folder: string, model: ModelConfig): AdapterConfig {
  const path = join(folder, "adapter_config.json");
  if (!existsSync(path)) throw new InputError(`${folder} is not an adapter: it has no adapter_config.json.`);
  const peft = parsePeftConfig(readJson(path, "adapter configuration"), path);
  const layers = chosenLayers(model, peft, path);
  const config = {
    rank: peft.r,
    alpha: peft.lora_alpha,
    dropout: peft.lora_dropout,
    targets: projections.filter((projection) =>
      [...layers.keys()].some((layer) => layer.endsWith(`.${projection}`)),
    ),
    rankStabilised: peft.use_rslora,
  };
  const alike =
    layers.size === config.targets.length * model.layers &&
    [...layers.values()].every(({ rank, alpha }) => rank === config.rank && alpha === config.alpha);
  return alike ? config : { ...config, layers: Object.fromEntries(layers) };
}

/**
 * Opens an adapter for a model of the given shape and checks every name and shape; values are read when asked for.
 * @throws InputError when anything is missing, broken, unsupported or does not fit the model
 */
export function loadAdapter(folder: string, model: ModelConfig): AdapterFiles {
  const config = readAdapterConfig(folder, model);
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
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: config.rankStabilised,
    ...targetsOf(config),
  });
}

/** The entries by which PEFT finds the layers: kinds of layers, or each layer by its name. */
function targetsOf({ rank, alpha, targets, layers }: AdapterConfig): object {
  if (!layers) return { target_modules: targets };
  const own = (of: keyof LayerFactors, general: number): Record<string, number> =>
    Object.fromEntries(
      Object.entries(layers)
        .filter(([, factors]) => factors[of] !== general)
        .map(([path, factors]) => [`^${path.replaceAll(".", "\\.")}`, factors[of]]),
    );
  return {
    target_modules: Object.keys(layers),
    rank_pattern: own("rank", rank),
    alpha_pattern: own("alpha", alpha),
  };
}
