import {
  initModel,
  parseModelConfig,
  saveModel,
  saveTokenizer,
  trainByteLevelBpe,
} from "../../lib/model/index.js";
import { type Environment, openEnvironment } from "../../lib/simulator/index.js";
import { type GrpoRun, parseGrpoRun } from "../../lib/runs/index.js";
import { tinyGoal, tinyProduct, TinyCatalogue } from "../simulator/tiny.js";

/** Goals 0 to 39 over mugs, pans and lamps in colours: small enough that a model of a few thousand weights can play. */
export function tinyShop(): Environment {
  const colours = ["red", "blue", "green", "white", "black"];
  const things = ["mug", "pan", "lamp", "rug", "hat"];
  const products = things.flatMap((thing, t) =>
    colours.map((colour, c) =>
      tinyProduct({
        asin: `B0000000${t}${c}`,
        title: `Big ${colour} ${thing}`,
        query: thing,
        productCategory: thing,
        attributes: [colour],
      }),
    ),
  );
  const goals = Array.from({ length: 40 }, (_, i) => {
    const product = products[(i * 7) % products.length]!;
    return tinyGoal(product, {
      index: i,
      instruction: `a ${product.title.toLowerCase()}`,
      attributes: product.attributes,
    });
  });
  return openEnvironment(new TinyCatalogue(products, goals));
}

/** A model of a few thousand weights that knows the shop's words. */
export function saveTinyModel(folder: string, { catalogue }: Environment, seed = 0): void {
  const words = Array.from({ length: catalogue.size }, (_, i) => catalogue.product(i).title);
  const tokenizer = trainByteLevelBpe(
    [...words, ...words.map((w) => `instruction: a ${w.toLowerCase()}`)],
    320,
  );
  const config = parseModelConfig({
    architectures: ["Qwen2ForCausalLM"],
    vocab_size: 320,
    hidden_size: 16,
    intermediate_size: 32,
    num_hidden_layers: 1,
    num_attention_heads: 2,
    max_position_embeddings: 1024,
    tie_word_embeddings: true,
  });
  saveModel(folder, initModel(config, seed));
  saveTokenizer(folder, tokenizer, { maxLength: 1024 });
}

/** A run of seconds from that model. */
export function tinyRun(model: string, more: object = {}): GrpoRun {
  return parseGrpoRun({
    kind: "grpo",
    name: "tiny",
    model,
    preset: "grpo",
    groups: { tasks: 2, size: 3 },
    sampling: { maxTokens: 6 },
    update: { learningRate: 1e-3 },
    iterations: 4,
    evaluate: { every: 2, goals: 4 },
    checkpoint: 1,
    workers: 0,
    ...more,
  });
}
