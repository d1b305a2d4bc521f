/**
 * GRPO on one page: from goals to changed weights, with nothing of the learner's library (lib/grpo, lib/objective). The shop, the
 * tokenizer and the transformer are the library's; sampling, reward, advantage, ratio, clip, gradient and AdamW step stand here.
 *
 *   npx tsx notebooks/one-page-grpo.ts            three iterations of configs/grpo.json from data/models/il
 *
 * Its first iteration gives the library's weights to the bit (test/grpo/one-page.test.ts). The symbols are those of the papers:
 * Shao et al. 2024 (arXiv:2402.03300) for A, Schulman et al. 2017 (arXiv:1707.06347) for ρ and the clip.
 */
import { pathToFileURL } from "node:url";
import { rollOut } from "../lib/agents/index.js";
import { readJson, stream } from "../lib/base/index.js";
import { loadModel, loadTokenizer, type Tokenizer } from "../lib/model/index.js";
import { crossEntropyLoss } from "../lib/objective/index.js";
import { Policy } from "../lib/policy/index.js";
import { defaultCatalogue, type Environment, openEnvironment, splitRanges } from "../lib/simulator/index.js";
import { useBackend } from "../lib/tensor/index.js";

/** The settings that the page knows; defaults are those of the preset `grpo` and of the library. */
export interface OnePage {
  readonly tasks: number;
  readonly size: number;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly learningRate: number;
  readonly seed: number;
}
const [CLIP, EPSILON, BETA1, BETA2, ADAM_EPSILON, DECAY, MAX_NORM] = [0.2, 1e-6, 0.9, 0.999, 1e-8, 0.01, 1];

const sum = (x: readonly number[]): number => x.reduce((a, b) => a + b, 0);
const mean = (x: readonly number[]): number => sum(x) / x.length;
const std = (x: readonly number[]): number =>
  Math.sqrt(sum(x.map((one) => (one - mean(x)) ** 2)) / (x.length - 1));

/** AdamW's state. */
export interface Adam {
  t: number;
  readonly m: Float32Array;
  readonly v: Float32Array;
}

/** One iteration: plays a batch of goals, and changes the policy's weights by what came of them. */
export async function iterate(
  policy: Policy,
  tokenizer: Tokenizer,
  shop: Environment,
  adam: Adam,
  iteration: number,
  { tasks, size, temperature, maxTokens, learningRate, seed }: OnePage,
): Promise<{ readonly reward: number; readonly gradNorm: number }> {
  // 1. Goals: the train goals in a shuffled order, the next `tasks` of them.
  const { start, end } = splitRanges(shop.catalogue.goalCount).train;
  const all = Array.from({ length: end - start }, (_, i) => start + i);
  const at = ((iteration - 1) % Math.floor(all.length / tasks)) * tasks;
  const goals = stream(seed, "tasks", Math.floor((iteration - 1) / Math.floor(all.length / tasks)))
    .shuffle(all)
    .slice(at, at + tasks);

  // 2. Roll-outs: `size` attempts at each goal, every answer sampled from the policy as it is; the shop pays R in [0, 1].
  const name = ["rollout", iteration, 0];
  const playing = { samples: size, temperature, maxTokens, optionMode: "match" as const, seed, name };
  const groups = await rollOut(policy, tokenizer, shop, goals, playing);

  // 3. Advantages: A_i = (R_i − mean_j R_j) / (std_j R_j + ε), over the attempts at one goal; every token of an attempt has its A.
  const rows = groups.flatMap((group) => {
    const R = group.map(({ rollout }) => rollout.return);
    const F = 1 / (std(R) + EPSILON);
    return group.flatMap(({ rollout }, i) =>
      rollout.turns.map(({ promptIds, responseIds }) => ({
        promptIds,
        responseIds,
        A: F * (R[i]! - mean(R)),
      })),
    );
  });

  // 4. Old log-probabilities. Before the first step they are the current ones, so ρ = 1 and nothing is clipped; with several steps
  //    on one batch they stay, and π moves away from them.
  const scores = await policy.logProbs(rows, { temperature });
  const old = scores.map(({ logProbs }) => logProbs);

  // 5. The loss and its derivative by each token's log π:
  //      L = −mean_i mean_t min(ρ A, clip(ρ, 1 − ε, 1 + ε) A),   ρ = exp(log π − log π_old),   dρ/d log π = ρ
  //    Where the clip is the smaller one, the derivative is 0.
  const gradients = scores.map(({ logProbs }, i) => {
    const { A } = rows[i]!;
    return logProbs.map((logProb, t) => {
      const ratio = Math.exp(logProb - old[i]![t]!);
      const clipped = (A > 0 && ratio > 1 + CLIP) || (A < 0 && ratio < 1 - CLIP);
      return (1 / (rows.length * logProbs.length)) * (clipped ? 0 : -ratio * A);
    });
  });

  // 6. Through the transformer: a cross-entropy whose weights are −dL/d log π has just this derivative.
  const loss = crossEntropyLoss(gradients.map((tokens) => ({ weights: tokens.map((g) => -g) })));
  const { gradient } = await policy.gradients(rows, loss, { temperature });

  // 7. AdamW, the gradient cut to a norm of at most 1; matrices decay, norms and biases do not.
  let squares = 0;
  for (const g of gradient) squares += g * g;
  const gradNorm = Math.sqrt(squares);
  const cut = Math.min(1, MAX_NORM / (gradNorm + 1e-6));
  adam.t += 1;
  const rate = learningRate / (1 - BETA1 ** adam.t);
  const correction = 1 / Math.sqrt(1 - BETA2 ** adam.t);
  const weights = policy.parameters;
  for (const { decay, offset, size: count } of policy.host.trained) {
    const keep = decay ? 1 - learningRate * DECAY : 1;
    for (let k = offset; k < offset + count; k++) {
      const g = gradient[k]! * cut;
      const m = BETA1 * adam.m[k]! + (1 - BETA1) * g;
      const v = BETA2 * adam.v[k]! + (1 - BETA2) * g * g;
      adam.m[k] = m;
      adam.v[k] = v;
      weights[k] = keep * weights[k]! - (rate * m) / (Math.sqrt(v) * correction + ADAM_EPSILON);
    }
  }
  policy.changed();
  return { reward: mean(groups.flat().map(({ rollout }) => rollout.return)), gradNorm };
}

/** AdamW before its first step. */
export const freshAdam = (policy: Policy): Adam => ({
  t: 0,
  m: new Float32Array(policy.parameters.length),
  v: new Float32Array(policy.parameters.length),
});

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await useBackend("wasm");
  const { model, groups, sampling, update } = readJson("configs/grpo.json", "configuration") as {
    model: string;
    groups: { tasks: number; size: number };
    sampling: { temperature: number; maxTokens: number };
    update: { learningRate: number };
  };
  const files = loadModel(model);
  const [policy, tokenizer] = [await Policy.create(files), await loadTokenizer(model, files.config)];
  const shop = openEnvironment(await defaultCatalogue());
  const adam = freshAdam(policy);
  for (let iteration = 1; iteration <= 3; iteration++) {
    const page = { ...groups, ...sampling, ...update, seed: 0 };
    const { reward, gradNorm } = await iterate(policy, tokenizer, shop, adam, iteration, page);
    const told = `mean reward ${reward.toFixed(3)}, gradient norm ${gradNorm.toFixed(3)}`;
    process.stdout.write(`iteration ${iteration}: ${told}\n`);
  }
}
