import { existsSync } from "node:fs";
import { InputError, readJson } from "../base/index.js";
import { loadModel, parameterCount } from "../model/index.js";
import { grouped } from "./tables/numbers.js";

/** Settings that the thesis names, by place: file, path within it, name. They are read from the files that run. */
const SETTINGS: readonly (readonly [file: string, path: string, name: string])[] = [
  ["configs/il.json", "teachers.goals", "il/goals"],
  ["configs/il.json", "steps", "il/steps"],
  ["configs/il.json", "tokens", "il/tokens"],
  ["configs/il.json", "teachers.oracle", "il/oracle"],
];

/**
 * Numbers of the method that are no results: the embedded model's shape and the settings of imitation.
 * @throws InputError when a file lacks a setting
 */
export function methodNumbers(model = "data/models/base"): ReadonlyMap<string, string> {
  const numbers = new Map<string, string>();
  if (existsSync(model)) {
    const { config } = loadModel(model);
    const parameters = parameterCount(config);
    numbers.set("model/parameters", `${(parameters / 1e6).toFixed(2)} million`);
    numbers.set("model/layers", String(config.layers));
    numbers.set("model/width", String(config.hiddenSize));
    numbers.set("model/vocabulary", grouped(config.vocabSize));
    numbers.set("model/positions", grouped(config.maxPositions));
  }
  for (const [file, path, name] of SETTINGS) {
    let value: unknown = readJson(file, "configuration");
    for (const key of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[key];
    if (typeof value !== "number") throw new InputError(`${file} has no ${path}, which the thesis names.`);
    numbers.set(`setting/${name}`, value < 1 ? `${Math.round(100 * value)}` : grouped(value));
  }
  return numbers;
}
