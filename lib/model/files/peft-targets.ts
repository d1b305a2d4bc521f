/**
 * Which layers of a model an adapter's configuration means, and with which rank and alpha. Source: PEFT 0.21,
 * `tuners_utils.check_target_module_exists`, `_maybe_include_all_linear_layers` and `lora/model.py: _create_and_replace`.
 */
import { InputError } from "../../base/index.js";
import { architectureOf } from "./architecture.js";
import type { ModelConfig } from "./config.js";
import { projectionPath, projections, type Projection } from "./parameters.js";
import { pythonPattern } from "./peft-pattern.js";

/** Names of modules, or one regular expression. */
export type Modules = string | readonly string[];

/** The entries of a configuration that choose layers. */
export interface Choice {
  readonly target_modules: Modules;
  readonly exclude_modules: Modules | null;
  readonly layers_to_transform: number | readonly number[] | null;
  readonly layers_pattern: Modules | null;
  readonly r: number;
  readonly lora_alpha: number;
  readonly rank_pattern: Readonly<Record<string, number>>;
  readonly alpha_pattern: Readonly<Record<string, number>>;
}

/** Rank and alpha of one adapted layer. */
export interface LayerFactors {
  readonly rank: number;
  readonly alpha: number;
}

/** The modules of a model below its root, by transformers' names. */
function modulesOf(config: ModelConfig): string[] {
  const { layers } = config;
  const inLayer = ["", "self_attn", ...["q", "k", "v", "o"].map((name) => `self_attn.${name}_proj`)];
  if (architectureOf(config).headNorms) inLayer.push("self_attn.q_norm", "self_attn.k_norm");
  inLayer.push("mlp", ...["gate", "up", "down"].map((name) => `mlp.${name}_proj`), "mlp.act_fn");
  inLayer.push("input_layernorm", "post_attention_layernorm");
  const names = ["model", "model.embed_tokens", "model.layers"];
  for (let layer = 0; layer < layers; layer++) {
    for (const name of inLayer) names.push(`model.layers.${layer}${name === "" ? "" : `.${name}`}`);
  }
  return [...names, "model.norm", "model.rotary_emb", "lm_head"];
}

/**
 * The adapted layers in the model's order, each with its rank and alpha.
 * @param where names the file in errors
 * @throws InputError when nothing is chosen, something that is no linear layer, or in a way that PEFT refuses
 */
export function chosenLayers(
  model: ModelConfig,
  choice: Choice,
  where: string,
): ReadonlyMap<string, LayerFactors> {
  const linear = new Map<string, Projection>();
  for (let layer = 0; layer < model.layers; layer++) {
    for (const projection of projections) linear.set(projectionPath(layer, projection), projection);
  }
  const isTarget = targeted(choice, new Set(linear.keys()), where);
  const isExcluded = excluded(choice.exclude_modules, where);
  const chosen = modulesOf(model).filter((name) => !isExcluded(name) && isTarget(name));
  const odd = chosen.find((name) => !linear.has(name));
  if (odd !== undefined) {
    throw new InputError(
      `${where}: "target_modules" names ${odd}, which is not supported; possible are ${projections.join(", ")}.`,
    );
  }
  if (chosen.length === 0) {
    throw new InputError(
      `${where} adapts no layer of this model: "target_modules" is ${JSON.stringify(choice.target_modules)}.`,
    );
  }
  const rankOf = patterned(choice.rank_pattern, choice.r, where, "rank_pattern");
  const alphaOf = patterned(choice.alpha_pattern, choice.lora_alpha, where, "alpha_pattern");
  const order = new Set(chosen);
  return new Map(
    [...linear.keys()]
      .filter((name) => order.has(name))
      .map((name) => [name, { rank: rankOf(name), alpha: alphaOf(name) }]),
  );
}

function targeted(
  { target_modules: targets, layers_to_transform: only, layers_pattern: pattern }: Choice,
  linear: ReadonlySet<string>,
  where: string,
): (name: string) => boolean {
  if (typeof targets === "string") {
    // PEFT refuses these as well.
    if (only !== null || pattern !== null) {
      throw new InputError(
        `${where}: "${only === null ? "layers_pattern" : "layers_to_transform"}" needs a list of "target_modules".`,
      );
    }
    if (targets.toLowerCase() === "all-linear") return (name) => linear.has(name);
    const whole = pythonPattern(targets, "whole", where, "target_modules");
    return (name) => whole.test(name);
  }
  if (pattern !== null && pattern.length > 0 && only === null) {
    throw new InputError(`${where}: "layers_pattern" needs "layers_to_transform".`);
  }
  const inLayers = ofLayers(only, pattern, where);
  // A module's whole name is meant whatever layers are asked for.
  return (name) =>
    targets.includes(name) || (targets.some((target) => name.endsWith(`.${target}`)) && inLayers(name));
}

/** Whether a module lies in one of the layers that are asked for. */
function ofLayers(
  only: Choice["layers_to_transform"],
  pattern: Modules | null,
  where: string,
): (name: string) => boolean {
  if (only === null || (typeof only === "object" && only.length === 0)) return () => true;
  const wanted = [only].flat();
  const places =
    pattern === null || pattern.length === 0
      ? [/^.*?\.[^.]*\.(?<idx>\d+)\./u]
      : [pattern].flat().map((one) => pythonPattern(one, "layers", where, "layers_pattern"));
  return (name) => {
    const found = places.map((place) => place.exec(name)).find((match) => match !== null);
    return found?.groups !== undefined && wanted.includes(Number(found.groups["idx"]));
  };
}

function excluded(modules: Modules | null, where: string): (name: string) => boolean {
  if (modules === null || modules.length === 0) return () => false;
  if (typeof modules === "string") {
    const whole = pythonPattern(modules, "whole", where, "exclude_modules");
    return (name) => whole.test(name);
  }
  return (name) => modules.some((module) => name === module || name.endsWith(`.${module}`));
}

/** The value of the first pattern that a name ends with, else the general one. */
function patterned(
  patterns: Readonly<Record<string, number>>,
  general: number,
  where: string,
  key: string,
): (name: string) => number {
  const ends = Object.entries(patterns).map(
    ([pattern, value]) => [pythonPattern(pattern, "end", where, key), value] as const,
  );
  return (name) => ends.find(([end]) => end.test(name))?.[1] ?? general;
}
