/**
 * The gradient that `learn` hands to the optimiser, step by step, against finite differences of the loss as its paper writes
 * it. The loss is written out again here, in plain formulas over log-probabilities, and shares no code with lib/objective.
 */
import { strict as assert } from "node:assert";
import { stream } from "../../lib/base/index.js";
import {
  advantagesOf,
  type Group,
  type GrpoConfig,
  learn,
  type Learner,
  noPenalty,
  estimateAdvantages,
  parseGrpoConfig,
  presetNamed,
  PRESETS,
  type Row,
  rowsOf,
} from "../../lib/grpo/index.js";
import { initModel, parseModelConfig } from "../../lib/model/index.js";
import type { Sequence } from "../../lib/objective/index.js";
import { Policy, Trainer } from "../../lib/policy/index.js";
import { useBackend } from "../../lib/tensor/index.js";

const VOCAB = 24;
const model = parseModelConfig({
  architectures: ["Qwen2ForCausalLM"],
  vocab_size: VOCAB,
  hidden_size: 8,
  intermediate_size: 16,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  max_position_embeddings: 32,
  tie_word_embeddings: true,
});

type Sections = Record<string, object>;

function configured(preset: string, more: Sections = {}): GrpoConfig {
  const { groups, reward, sampling, update, objective, ...rest } = presetNamed(preset);
  return parseGrpoConfig({
    ...rest,
    objective: { ...objective, ...more["objective"] },
    groups: { ...groups, tasks: 2, size: 4, ...more["groups"] },
    reward: { ...reward, ...more["reward"] },
    sampling: { ...sampling, maxTokens: 6 },
    update: { ...update, learningRate: 3e-3, ...more["update"] },
  });
}

/** Two groups of four roll-outs of two decisions; all of the second group's returns are equal. */
function episodes(): Group[] {
  const random = stream(3, "gradients");
  const draw = (n: number): number[] => Array.from({ length: n }, () => random.below(VOCAB));
  return [0, 1].map((g) => {
    const query = draw(5 + g);
    return {
      task: `goal ${g}`,
      rollouts: Array.from({ length: 4 }, (_, i) => {
        const reward = g === 0 ? [1, 0, 0.4, 0.7][i]! : 0.5;
        const turns = [query, [...query, g, i]].map((promptIds, t) => ({
          promptIds,
          responseIds: draw(2 + random.below(3)),
          oldLogProbs: [] as number[],
          reward: t === 1 ? reward : 0,
          formatValid: true,
          admissible: true,
          truncated: t === 1 && i === 2,
          anchor: `${g} ${t === 0 ? "start" : i % 2}`,
        }));
        return { turns, return: reward, success: reward === 1, score: reward };
      }),
    };
  });
}

/** One optimiser step as it was taken. */
interface Step {
  readonly before: Float32Array;
  readonly gradient: Float32Array;
  readonly sequences: readonly Sequence[];
}

interface Learnt {
  readonly policy: Policy;
  readonly start: Float32Array;
  readonly rows: readonly Row[];
  readonly steps: readonly Step[];
}

/** Learns from the episodes through `learn`, on a policy that has moved away from its reference. */
async function learnt(config: GrpoConfig, options: object = {}): Promise<Learnt> {
  const policy = await Policy.create(initModel({ ...model, initializerRange: 0.3 }, 1), {
    reference: true,
    ...options,
  });
  const random = stream(5, "moved");
  policy.parameters.forEach((x, i) => (policy.parameters[i] = x + 0.02 * random.normal()));
  policy.changed();
  const start = Float32Array.from(policy.parameters);
  const { temperature } = config.sampling;
  // The sampler's log-probabilities lie beside the trainer's own, as if another engine had sampled.
  const groups = episodes();
  const turns = groups.flatMap(({ rollouts }) => rollouts.flatMap((rollout) => rollout.turns));
  // A selection is one of the likelier tokens, so that its probability weights the query noticeably.
  const one = Array.from({ length: VOCAB }, (_, id) => [id]);
  for (const { promptIds, responseIds, reward } of turns) {
    if (reward === 0) continue;
    const likely = await policy.scoreChoices(promptIds, one, { temperature });
    (responseIds as number[]).splice(0, responseIds.length, likely.indexOf(Math.max(...likely)));
  }
  const scores = await policy.logProbs(turns, { temperature });
  turns.forEach((turn, i) =>
    (turn.oldLogProbs as number[]).push(...scores[i]!.logProbs.map((lp) => lp + 0.1 * random.normal())),
  );
  const values = groups.map(({ rollouts }) => rollouts.map((rollout) => rollout.turns.map(() => 0.3)));
  const { advantages } = config.value
    ? estimateAdvantages(groups, config.advantage, { penalty: noPenalty, values })
    : { advantages: advantagesOf(groups, config.advantage) };
  const rows = rowsOf(groups, advantages, config);
  const trainer = new Trainer(policy, { learningRate: config.update.learningRate });
  const steps: Step[] = [];
  const learner: Learner = {
    logProbs: (sequences, how) => policy.logProbs(sequences, how),
    step: async (sequences, loss, how) => {
      const { gradient } = await policy.gradients(sequences, loss, how);
      steps.push({
        before: Float32Array.from(policy.parameters),
        gradient: Float32Array.from(gradient),
        sequences,
      });
      return trainer.step(sequences, loss, how);
    },
  };
  await learn(rows, learner, config, stream(0, "mini-batches"));
  return { policy, start, rows, steps };
}

type Tokens = readonly (readonly number[])[];

/** Everything that the loss of a step is a function of, beside the current policy. */
async function formulaOf({ policy, start, rows, steps }: Learnt, config: GrpoConfig, step: Step) {
  const { temperature } = config.sampling;
  const at = async (parameters: Float32Array, how: object = {}): Promise<{ lp: Tokens; h: Tokens }> => {
    policy.parameters.set(parameters);
    policy.changed();
    const scores = await policy.logProbs(rows, { temperature, ...how });
    return { lp: scores.map((s) => s.logProbs), h: scores.map((s) => s.entropies) };
  };
  const { ratio, surrogate, clip, kl, aggregation, entropy } = config.objective;
  const old = (await at(start)).lp;
  const reference = (await at(start, { reference: true })).lp;
  const now = (await at(step.before)).lp;
  const sampled: Tokens = rows.map((row) => row.oldLogProbs);
  // Before mini-batches the trainer's own log-probabilities replace the sampler's; in one step they are not known yet.
  const behaviour = config.update.miniBatchRows === null ? sampled : old;

  // Advantages of tokens: each pays for the KL of itself and of what follows; then the batch is whitened.
  const tokens = rows.map((row, i) =>
    row.advantages.map((advantage, t) => {
      if (kl?.where !== "reward") return advantage;
      const later = behaviour[i]!.slice(t).map((lp, u) => lp - reference[i]![t + u]!);
      return advantage - kl.coefficient * later.reduce((a, b) => a + b, 0);
    }),
  );
  const whitened =
    config.advantage.estimator === "reinforce-pp" ||
    ("scale" in config.advantage && config.advantage.scale === "batch");
  if (whitened) {
    const all = tokens.filter((_, i) => rows[i]!.counted).flat();
    const mean = all.reduce((a, b) => a + b, 0) / all.length;
    const variance = all.reduce((a, b) => a + (b - mean) ** 2, 0) / (all.length - 1);
    tokens.forEach((list, i) => {
      if (rows[i]!.counted) tokens[i] = list.map((a) => (a - mean) / Math.sqrt(variance + 1e-8));
    });
  }
  const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);
  const mean = (list: readonly number[]): number => sum(list) / list.length;
  const bounded = (r: number): number => (clip ? Math.min(1 + clip.high, Math.max(1 - clip.low, r)) : r);
  const ratioOf = (lp: Tokens, i: number, t: number): number =>
    ratio === "sequence"
      ? Math.exp(mean(lp[i]!.map((value, u) => value - old[i]![u]!)))
      : Math.exp(lp[i]![t]! - old[i]![t]!);
  const klOf = (d: number): number => {
    const value = kl!.estimator === "k2" ? (d * d) / 2 : Math.exp(-d) + d - 1;
    return kl!.clamp === undefined ? value : Math.min(value, kl!.clamp);
  };
  const which = step.sequences
    .map(({ responseIds }) => rows.findIndex((row) => row.responseIds === responseIds))
    .filter((i) => rows[i]!.counted);
  const first = steps[0] === step;

  /** The loss of the step's rows on a policy with these parameters. */
  return async (parameters: Float32Array): Promise<number> => {
    const { lp, h } = await at(parameters);
    const rowLoss = new Map(
      which.map((i) => {
        const selection = rows[i]!.weightedBy;
        const probability = (of: Tokens): number => Math.exp(sum(of[selection!]!));
        const weight = selection === undefined ? 1 : probability(first ? behaviour : now);
        const losses = lp[i]!.map((logProb, t) => {
          const advantage = tokens[i]![t]!;
          let loss: number;
          if (ratio === "none") loss = -advantage * logProb;
          else if (surrogate === "detached") loss = -bounded(ratioOf(now, i, t)) * advantage * logProb;
          else {
            const r = ratioOf(lp, i, t);
            loss = Math.max(-r * advantage, -bounded(r) * advantage);
            if (clip?.dual !== undefined && advantage < 0) loss = Math.min(loss, -clip.dual * advantage);
          }
          if (kl?.where === "loss") loss += kl.coefficient * klOf(logProb - reference[i]![t]!);
          return weight * loss - entropy * h[i]![t]!;
        });
        return [i, losses] as const;
      }),
    );
    const all = [...rowLoss.values()];
    if (aggregation === "token-mean") return mean(all.flat());
    if (aggregation === "seq-mean-token-mean") return mean(all.map(mean));
    if (aggregation === "seq-mean-token-sum") return mean(all.map(sum));
    assert.equal(aggregation, "rollout-mean-token-mean");
    return sum(all.map(mean)) / new Set(which.map((i) => rows[i]!.rollout)).size;
  };
}

const norm = (vector: Float32Array): number => Math.sqrt(vector.reduce((total, x) => total + x * x, 0));
const difference = (a: Float32Array, b: Float32Array): number => norm(a.map((x, i) => x - b[i]!)) / norm(a);

const cases: [name: string, preset: string, more: Sections, steps: number][] = [
  ...Object.keys(PRESETS)
    .filter((name) => name !== "verl-agent-compat")
    .map((name): [string, string, Sections, number] => [name, name, {}, name === "thesis" ? 3 : 1]),
  ["verl-agent-compat in mini-batches", "verl-agent-compat", { update: { miniBatchRows: 6 } }, 3],
  ["the thesis in mini-batches, twice", "thesis", { update: { miniBatchRows: 8, epochs: 2 } }, 4],
  [
    "GRPO in mini-batches, with an entropy bonus",
    "grpo",
    { update: { miniBatchRows: 5 }, objective: { entropy: 0.05 } },
    3,
  ],
  ["GSPO in mini-batches", "gspo", { update: { miniBatchRows: 4, learningRate: 2e-6 } }, 4],
  ["CISPO in mini-batches", "cispo", { update: { miniBatchRows: 6 } }, 3],
  [
    "REINFORCE++ with a large KL in the reward, in mini-batches",
    "reinforce-pp",
    {
      update: { miniBatchRows: 8 },
      objective: { kl: { estimator: "k1", coefficient: 0.5, where: "reward" } },
    },
    2,
  ],
  [
    "REINFORCE++ with a large KL in the reward",
    "reinforce-pp",
    { objective: { kl: { estimator: "k1", coefficient: 0.5, where: "reward" } } },
    1,
  ],
  [
    "the thesis, far from where it sampled",
    "thesis",
    { update: { learningRate: 0.02 }, objective: { clip: null } },
    3,
  ],
  ["GRPO, cut responses left out", "grpo", { reward: { truncated: "mask" }, update: { epochs: 2 } }, 2],
];

describe("the gradient of every step of `learn`", function () {
  this.timeout(60_000);
  before(() => useBackend("wasm"));

  for (const [name, preset, more, count] of cases) {
    it(`is what finite differences of the written loss find: ${name}`, async () => {
      const config = configured(preset, more);
      const all = await learnt(config);
      try {
        assert.equal(all.steps.length, count);
        for (const [k, step] of all.steps.entries()) {
          const lossAt = await formulaOf(all, config, step);
          const size = norm(step.gradient);
          assert.ok(size > 1e-4 || k > 0, `step ${k}: a gradient of ${size}`);
          const random = stream(0, "direction", name, k);
          const wild = step.gradient.map(() => random.normal());
          if (size === 0) {
            // A mini-batch of equal returns alone: no direction changes its loss.
            assert.equal(
              await lossAt(step.before.map((x, i) => x + 1e-3 * wild[i]!)),
              await lossAt(step.before),
            );
            continue;
          }
          // Along the gradient, where the loss changes most, and along it bent at random.
          for (const bend of [0, 0.5]) {
            const bent = step.gradient.map((x, i) => x / size + (bend * wild[i]!) / norm(wild));
            const direction = bent.map((x) => x / norm(bent));
            const expected = step.gradient.reduce((total, x, i) => total + x * direction[i]!, 0);
            const h = config.objective.ratio === "sequence" ? 2e-5 / size : 1e-3;
            const moved = (by: number): Float32Array => step.before.map((x, i) => x + by * direction[i]!);
            const found = ((await lossAt(moved(h))) - (await lossAt(moved(-h)))) / (2 * h);
            assert.ok(
              Math.abs(found - expected) < 0.02 * Math.abs(expected) + 2e-4,
              `step ${k}, bend ${bend}: differences ${found}, gradient ${expected}`,
            );
          }
        }
      } finally {
        await all.policy.dispose();
      }
    });
  }

  it("does not depend on the size of micro-batches, on workers, or on the order of rows", async () => {
    const gradientOf = async (options: object): Promise<Float32Array> => {
      const { policy, steps } = await learnt(configured("grpo"), options);
      await policy.dispose();
      return steps[0]!.gradient;
    };
    const whole = await gradientOf({});
    assert.ok(difference(whole, await gradientOf({ batchTokens: 1 })) < 1e-5, "one prompt at a time");
    const small = await gradientOf({ batchTokens: 1 });
    assert.deepEqual(await gradientOf({ batchTokens: 1, workers: 2 }), small, "whoever is finished first");
  });
});
