import { type ImitateConfig, parseImitationConfig, type PretrainConfig } from "../../lib/imitation/index.js";

/** A base model in seconds: too small to learn anything, whole enough to be trained, saved and gone on from. */
export function tinyPretraining(out: string): PretrainConfig {
  return parseImitationConfig({
    kind: "pretrain",
    out,
    optimizer: { learningRate: 1e-3, warmUp: 2, schedule: "cosine" },
    tokenizer: { size: 800 },
    model: {
      hiddenSize: 32,
      intermediateSize: 32,
      layers: 3,
      heads: 4,
      keyValueHeads: 4,
      maxPositions: 1024,
      ropeTheta: 1e6,
    },
    shops: { seeds: [71], products: 300, heldOut: 72 },
    batchTokens: 1000,
    checkpointEvery: 2,
    evaluateEvery: 100,
    measureGoals: 3,
    phases: [
      { steps: 2, tokens: 400, tasks: { words: { listings: 2, words: 4 }, copy: { words: 6 } } },
      {
        steps: 3,
        tokens: 600,
        tasks: { judge: { listings: 2 }, query: { care: 0.5 }, select: { listings: 3, resolve: 0.5 } },
      },
    ],
  }) as PretrainConfig;
}

/** An imitation of a few steps from such a base model. */
export function tinyImitation(out: string, base: string, more: Record<string, unknown> = {}): ImitateConfig {
  return parseImitationConfig({
    kind: "imitate",
    out,
    from: base,
    optimizer: { learningRate: 1e-3, warmUp: 2, schedule: "cosine" },
    teachers: { goals: 12, oracle: 0.7 },
    steps: 7,
    tokens: 700,
    devGoals: 3,
    decisionGoals: 0,
    evaluateEvery: 2,
    checkpointEvery: 2,
    ...more,
  }) as ImitateConfig;
}
