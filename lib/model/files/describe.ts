/** The description of a model folder, as plain data. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { architectureOf } from "./architecture.js";
import type { ModelConfig } from "./config.js";
import { loadModel, storedTypes, weightBytes } from "./model-folder.js";
import { parameterCount } from "./parameters.js";
import { loadTokenizer } from "./tokenizer.js";

/** A model folder in a few numbers. */
export interface ModelDescription {
  readonly folder: string;
  /** The class of transformers, e.g. `Qwen2ForCausalLM`. */
  readonly architecture: string;
  readonly parameters: number;
  /** Bytes of the weights on disk. */
  readonly bytes: number;
  /** Bytes of the weights in memory, where they are float32. */
  readonly bytesInMemory: number;
  /** How the weights are stored, most of them first: `F32`, `BF16`, `F16`. */
  readonly storedAs: readonly string[];
  readonly config: ModelConfig;
  /** `null` when the folder has no tokenizer. */
  readonly tokenizer: {
    readonly size: number;
    readonly specials: readonly string[];
    readonly eos: readonly string[];
    readonly chatTemplate: boolean;
  } | null;
}

/**
 * Checks a model folder and says what it holds. No weights are read.
 * @throws InputError as `loadModel` and `loadTokenizer` do
 */
export async function describeModel(folder: string): Promise<ModelDescription> {
  const { config } = loadModel(folder);
  const tokenizer = existsSync(join(folder, "tokenizer.json"))
    ? await loadTokenizer(folder, config)
    : undefined;
  const parameters = parameterCount(config);
  return {
    folder,
    architecture: architectureOf(config).className,
    parameters,
    bytes: weightBytes(folder),
    bytesInMemory: 4 * parameters,
    storedAs: storedTypes(folder),
    config,
    tokenizer: tokenizer
      ? {
          size: tokenizer.size,
          specials: [...tokenizer.specials.keys()],
          eos: tokenizer.eosIds.map((id) => tokenizer.decode([id])),
          chatTemplate: tokenizer.hasChat,
        }
      : null,
  };
}
