/** Fresh weights. */
import { stream } from "../../base/index.js";
import type { ModelConfig } from "./config.js";
import type { ModelFiles, Weight } from "./model-folder.js";
import { parameterShapes } from "./parameters.js";
import { elements } from "./safetensors.js";

/**
 * A model with random weights, as transformers draws them: matrices and the embedding from a normal distribution of standard
 * deviation `config.initializerRange`, biases zero, norms one. Each parameter has its own stream, named after it, so that
 * the values depend only on the seed and not on the order in which they are asked for.
 */
export function initModel(config: ModelConfig, seed: number | string): ModelFiles {
  const weights = new Map<string, Weight>();
  for (const [name, shape] of parameterShapes(config)) {
    const n = elements(shape);
    weights.set(name, {
      shape,
      data: (into = new Float32Array(n)) => {
        if (name.endsWith("norm.weight")) return into.fill(1);
        if (name.endsWith(".bias")) return into.fill(0);
        const random = stream(seed, "init", name);
        for (let i = 0; i < n; i++) into[i] = config.initializerRange * random.normal();
        return into;
      },
    });
  }
  return { config, weights };
}
