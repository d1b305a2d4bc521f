/** A model of a few thousand numbers, rows for it, and a loss: what the tests of training share. */
import { strict as assert } from "node:assert";
import { stream } from "../../lib/base/index.js";
import { initModel, type AdapterConfig, type ModelConfig } from "../../lib/model/index.js";
import type { Sequence } from "../../lib/objective/index.js";
import { Policy, type PolicyOptions } from "../../lib/policy/index.js";

export const config: ModelConfig = {
  vocabSize: 50,
  hiddenSize: 16,
  intermediateSize: 24,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  headDim: 4,
  maxPositions: 64,
  rmsNormEps: 1e-6,
  ropeTheta: 10000,
  tiedEmbeddings: true,
  initializerRange: 0.3,
  eosTokenIds: [],
};
export const model = initModel(config, 1);
export const lora: AdapterConfig = {
  rank: 3,
  alpha: 6,
  dropout: 0,
  targets: ["q_proj", "v_proj", "down_proj"],
  rankStabilised: false,
};

/** Sequences of several shapes, one to four to a prompt: responses of one token and more, prompts of one token and more. */
export function someRows(prompts: number, seed = 0): Sequence[] {
  const random = stream(seed, "rows");
  const ids = (n: number): number[] => Array.from({ length: n }, () => random.below(config.vocabSize));
  return Array.from({ length: prompts }, (_, packWith) => {
    const promptIds = ids(1 + random.below(9));
    return Array.from({ length: 1 + random.below(4) }, () => ({
      promptIds,
      responseIds: ids(1 + random.below(5)),
      packWith,
    }));
  }).flat();
}

export async function withPolicy<T>(options: PolicyOptions, use: (policy: Policy) => Promise<T>): Promise<T> {
  const policy = await Policy.create(model, options);
  try {
    return await use(policy);
  } finally {
    await policy.dispose();
  }
}

export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  return worst;
}
