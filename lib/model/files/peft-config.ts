/**
 * PEFT's `adapter_config.json`. Every key is one that is applied, one that changes no number when an adapter is loaded, or
 * refused by name. Source: PEFT 0.21, `config.py`, `tuners/lora/config.py` and `tuners/lora/layer.py: update_layer`.
 */
import { z } from "zod";
import { InputError } from "../../base/index.js";
import type { Choice } from "./peft-targets.js";

/** A plain LoRA configuration, with PEFT's defaults filled in. */
export interface PeftLora extends Choice {
  readonly lora_dropout: number;
  readonly use_rslora: boolean;
}

const modules = z.union([z.string(), z.array(z.string())]);
const whole = z.number().int();
const rank = whole.positive();
const Lora = z.looseObject({
  r: rank.default(8),
  lora_alpha: z.number().default(8),
  lora_dropout: z.number().min(0).max(1).default(0),
  // The layers that PEFT adapts in these architectures where none are named.
  target_modules: modules.nullish().transform((named) => named ?? ["q_proj", "v_proj"]),
  exclude_modules: modules.nullish().transform((named) => named ?? null),
  layers_to_transform: z
    .union([whole, z.array(whole)])
    .nullish()
    .transform((layers) => layers ?? null),
  layers_pattern: modules.nullish().transform((named) => named ?? null),
  rank_pattern: z.record(z.string(), rank).default({}),
  alpha_pattern: z.record(z.string(), z.number()).default({}),
  use_rslora: z
    .boolean()
    .nullish()
    .transform((on) => on ?? false),
});

/** How the factors began. The first were overwritten by training and left the base as it was. */
const BEGAN_PLAIN: readonly unknown[] = [true, false, null, 0, "eva", "orthogonal", "mica"];
/** Those that took a part of the base weights away when training began, so that the adapter belongs to the rest. */
const CHANGED_BASE = /^(pissa(_niter_\d+)?|corda.*|loftq|lora_ga|olora)$/;

/** Applied, or checked below. */
const READ = new Set([...Object.keys(Lora.shape), "peft_type", "task_type", "bias", "init_lora_weights"]);
/**
 * Settings that change no number of a loaded adapter: where it comes from, how it was trained, and settings of methods that are off.
 * `fan_in_fan_out` PEFT itself sets back for linear layers.
 */
const INERT = new Set([
  ...["auto_mapping", "base_model_name_or_path", "revision", "inference_mode", "peft_version"],
  ...["megatron_core", "loftq_config", "eva_config", "corda_config", "lora_ga_config", "qalora_group_size"],
  ...["runtime_config", "ensure_weight_tying", "fan_in_fan_out"],
]);
/** Methods that are on as soon as their settings are there, also when those are empty. */
const ON_WHEN_THERE = new Set([
  ...["kasa_config", "arrow_config", "use_bdlora", "velora_config", "monteclora_config"],
]);
const TASKS: readonly unknown[] = [undefined, null, "CAUSAL_LM", "FEATURE_EXTRACTION"];

/**
 * Reads a parsed `adapter_config.json`.
 * @param path names the file in errors
 * @throws InputError naming the key that is not plain LoRA, or is not what PEFT could read either
 */
export function parsePeftConfig(json: unknown, path: string): PeftLora {
  const entries = z.record(z.string(), z.unknown()).safeParse(json);
  if (!entries.success) throw new InputError(`${path} is not a LoRA configuration: it is no object.`);
  const all = entries.data;
  const shown = (key: string): string => JSON.stringify(all[key]) ?? "missing";
  if (all["peft_type"] !== "LORA")
    throw new InputError(`${path}: the adapter type ${shown("peft_type")} is not supported; LORA is.`);
  const bias = "bias" in all ? all["bias"] : "none";
  if (bias !== "none")
    throw new InputError(`${path}: trained biases ("bias": ${shown("bias")}) are not supported.`);
  if (!TASKS.includes(all["task_type"]))
    throw new InputError(
      `${path}: an adapter for the task ${shown("task_type")} is not supported; CAUSAL_LM is.`,
    );
  checkBeginning(all["init_lora_weights"], path);
  for (const [key, value] of Object.entries(all)) {
    if (READ.has(key) || INERT.has(key)) continue;
    if (ON_WHEN_THERE.has(key) ? value === null || value === false : isNothing(value)) continue;
    throw new InputError(`${path}: "${key}" is set (${short(value)}), which is not supported.`);
  }
  const parsed = Lora.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new InputError(`${path} is not a LoRA configuration: "${issue.path.join(".")}": ${issue.message}.`);
}

/** @throws InputError when the base is another one since training began, or the name is not known */
function checkBeginning(value: unknown, path: string): void {
  if (BEGAN_PLAIN.includes(value) || value === undefined) return;
  const name = typeof value === "string" ? value.toLowerCase() : "";
  if (name === "gaussian") return;
  const what = `${path}: "init_lora_weights" is ${short(value)}`;
  // PEFT takes olora in any case, and the others as they are spelled.
  if (CHANGED_BASE.test(name === "olora" ? name : String(value))) {
    throw new InputError(
      `${what}, which changed the base model's weights when training began, so that this adapter alone does not give the ` +
        `trained model: save it again in PEFT with path_initial_model_for_weight_conversion, or merged into the model.`,
    );
  }
  throw new InputError(`${what}, which is not known here.`);
}

/** Whether Python counts a value as false: nothing, false, zero, or empty. */
function isNothing(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return !value;
}

/** A value in a sentence. */
function short(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
