/** A model of a few thousand numbers, rows for it, and a loss: what the tests of training share. */
import { strict as assert } from "node:assert";
import { stream } from "../../lib/base/index.js";
import { initModel, type AdapterConfig, type ModelConfig } from "../../lib/model/index.js";
import { Policy, type Objective, type PolicyOptions, type Row } from "../../lib/policy/index.js";

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

/** Rows of several shapes: completions of one token and more, prompts of one token and more. */
export function someRows(count: number, seed = 0): Row[] {
  const random = stream(seed, "rows");
  const ids = (n: number): number[] => Array.from({ length: n }, () => random.below(config.vocabSize));
  return Array.from({ length: count }, () => ({
    prompt: ids(1 + random.below(9)),
    completions: Array.from({ length: 1 + random.below(4) }, () => ({ ids: ids(1 + random.below(5)) })),
  }));
}

/** A loss that is linear in neither log-probabilities nor entropies, with different weights everywhere. */
export const curved: Objective = (positions, scores) => {
  let loss = 0;
  const weight = (p: number, c: number, t: number): number => Math.sin(1 + positions[p]! * 7 + c * 3 + t);
  const each = (slope: (w: number, lp: number, h: number) => number, of: 0 | 1): number[][][] =>
    scores.map((row, p) =>
      row.map(({ logProbs, entropies }, c) =>
        logProbs.map((lp, t) => {
          const w = weight(p, c, t);
          if (of === 0) loss += w * Math.exp(lp) - 0.3 * w * entropies[t]! ** 2;
          return slope(w, lp, entropies[t]!);
        }),
      ),
    );
  const logProbs = each((w, lp) => w * Math.exp(lp), 0);
  const entropies = each((w, _lp, h) => -0.6 * w * h, 1);
  return { loss, logProbs, entropies };
};

export async function withPolicy<T>(options: PolicyOptions, use: (policy: Policy) => Promise<T>): Promise<T> {
  const policy = await Policy.create(model, options);
  try {
    return await use(policy);
  } finally {
    await policy.dispose();
  }
}

export function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  return worst;
}
