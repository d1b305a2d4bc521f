/** A model by the name that a user gives it: a folder or one that was pulled, whole or as an adapter of another. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError, readJson } from "../../base/index.js";
import { loadAdapter, type AdapterFiles } from "./adapter-files.js";
import { findModel, isRepoName, isRevision, modelFolder, type Environment } from "./hub-cache.js";
import { loadModel, type ModelFiles } from "./model-folder.js";

/** A model as a training run leaves it: its own weights, or an adapter and the model that the adapter belongs to. */
export interface AdaptedModel {
  /** The folder that holds it: the one that was named, or a snapshot in the cache. */
  readonly folder: string;
  readonly model: ModelFiles;
  readonly adapter?: AdapterFiles;
  /** The base's folder, when it is another than the adapter's. */
  readonly base?: string;
  /** The folder of its tokenizer: its own, else the base's. */
  readonly tokenizer: string;
}

/**
 * Opens a model, a model and an adapter for it, or an adapter alone that names its base: a folder, or a model that was pulled.
 * @param name a folder, or the name of a model on the hub that was pulled
 * @throws InputError as `findModel`, `loadModel` and `loadAdapter` do, and when the base is not named or not there.
 */
export function loadAdapted(name: string, environment: Environment = process.env): AdaptedModel {
  const folder = findModel(name, "main", environment);
  if (!existsSync(join(folder, "adapter_config.json")))
    return { folder, model: loadModel(folder), tokenizer: folder };
  if (existsSync(join(folder, "config.json"))) {
    const model = loadModel(folder);
    return { folder, model, adapter: loadAdapter(folder, model.config), tokenizer: folder };
  }
  const base = baseOf(folder, environment);
  const model = loadModel(base);
  const tokenizer = existsSync(join(folder, "tokenizer.json")) ? folder : base;
  return { folder, model, adapter: loadAdapter(folder, model.config), base, tokenizer };
}

/**
 * The folder with a model's tokenizer, by the name that a user gives it.
 * @throws InputError as `loadAdapted` does for what is not there
 */
export function tokenizerFolder(name: string, environment: Environment = process.env): string {
  const folder = findModel(name, "main", environment);
  const has = (file: string): boolean => existsSync(join(folder, file));
  if (has("tokenizer.json") || has("config.json") || !has("adapter_config.json")) return folder;
  return baseOf(folder, environment);
}

const Base = z.looseObject({ base_model_name_or_path: z.string().min(1), revision: z.string().nullish() });

/** The folder of the base that an adapter names, in its revision. */
function baseOf(folder: string, environment: Environment): string {
  const path = join(folder, "adapter_config.json");
  const parsed = Base.safeParse(readJson(path, "adapter configuration"));
  if (!parsed.success) {
    const key = parsed.error.issues[0]!.path[0];
    throw new InputError(
      key === "revision"
        ? `${path}: "revision" must be a branch, a tag or a commit of the base model.`
        : `${path} names no base model: set "base_model_name_or_path" to the base's folder.`,
    );
  }
  const { base_model_name_or_path: base, revision } = parsed.data;
  // PEFT takes an empty revision as none.
  const wanted = revision ? revision : "main";
  if (existsSync(base)) return base;
  const set = `set "base_model_name_or_path" to the base's folder`;
  if (!isRepoName(base) || !isRevision(wanted)) {
    throw new InputError(`${path} names the base model ${base}, and there is no such folder: ${set}.`);
  }
  const found = modelFolder(base, wanted, environment);
  if (found !== undefined) return found;
  const option = wanted === "main" ? "" : ` --revision ${wanted}`;
  throw new InputError(
    `${path} names the base model ${base}, which is neither a folder nor pulled: run "aisle model pull ${base}${option}", ` +
      `or ${set}.`,
  );
}
