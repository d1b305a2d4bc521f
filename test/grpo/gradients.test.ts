import { strict as assert } from "node:assert";
import { stream } from "../../lib/base/index.js";
import {
  type GrpoConfig,
  objective,
  parseGrpoConfig,
  presetNamed,
  PRESETS,
  type Row,
  sharedPrompts,
  sharesOf,
} from "../../lib/grpo/index.js";
import { initModel, parseModelConfig } from "../../lib/model/index.js";
import { Policy } from "../../lib/policy/index.js";
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

function configured(preset: string): GrpoConfig {
  const { groups, reward, sampling, update, ...rest } = presetNamed(preset);
  return parseGrpoConfig({
    ...rest,
    groups: { ...groups, tasks: 2, size: 4 },
    reward: reward ?? {},
    sampling: { ...sampling, maxTokens: 6 },
    update: { ...update, learningRate: 1e-3 },
  });
}

type Loss = (
  chosen?: readonly number[],
  of?: readonly Row[],
  as?: GrpoConfig["objective"],
) => Promise<{ loss: number; gradient: Float32Array }>;

/**
 * A loss and its gradient through a real model: two prompts, four roll-outs of two rows each, old and reference log-probabilities
 * somewhat beside the current ones, so that ratios, clips and KL terms all matter.
 */
async function problem(
  config: GrpoConfig,
  policy: Policy,
): Promise<{ rows: Row[]; loss: Loss; scores: number[][] }> {
  const random = stream(3, "gradients");
  const draw = (n: number): number[] => Array.from({ length: n }, () => random.below(VOCAB));
  const prompts = [draw(5), draw(7)];
  const bare = Array.from({ length: 8 }, (_, i): Row => {
    const responseIds = draw(2 + random.below(4));
    const advantage = random.normal();
    return {
      promptIds: prompts[i % 2]!,
      responseIds,
      oldLogProbs: [],
      advantages: responseIds.map(() => advantage),
      counted: i !== 5,
      group: Math.floor(i / 4),
      rollout: Math.floor(i / 2),
    };
  });
  const { temperature } = config.sampling;
  const packed = sharedPrompts(bare);
  const learnerRows = packed.map(({ promptIds, rows }) => ({
    prompt: promptIds,
    completions: rows.map((i) => ({ ids: bare[i]!.responseIds })),
  }));
  const scores = await policy.logProbs(learnerRows, { temperature });
  const rows = [...bare];
  const current: number[][] = [];
  // Sequence ratios have a far smaller fence: the old policy is nearer there.
  const by = config.objective.ratio === "sequence" ? 1e-4 : 0.15;
  packed.forEach(({ rows: which }, p) =>
    which.forEach((i, c) => {
      current[i] = [...scores[p]![c]!.logProbs];
      const beside = (size: number): number[] =>
        [...scores[p]![c]!.logProbs].map((value) => value + size * random.normal());
      rows[i] = { ...rows[i]!, oldLogProbs: beside(by), refLogProbs: beside(0.3) };
    }),
  );
  const loss: Loss = async (chosen = rows.map((_, i) => i), of = rows, as = config.objective) => {
    const batch = chosen.map((i) => of[i]!);
    const shares = sharesOf(as, batch);
    const own = sharedPrompts(batch);
    return policy.gradients(
      own.map(({ promptIds, rows: which }) => ({
        prompt: promptIds,
        completions: which.map((i) => ({ ids: batch[i]!.responseIds })),
      })),
      (positions, found) => {
        const members = positions.flatMap((p) => own[p]!.rows);
        const flat = found.flat();
        const result = objective(
          as,
          members.map((m) => batch[m]!),
          members.map((m) => shares[m]!),
          flat.map(({ logProbs }) => [...logProbs]),
          flat.map(({ entropies }) => [...entropies]),
        );
        const nest = (slopes: readonly (readonly number[])[]): number[][][] => {
          let at = 0;
          return positions.map((p) => own[p]!.rows.map(() => [...slopes[at++]!]));
        };
        return {
          loss: result.loss,
          logProbs: nest(result.logProbSlopes),
          entropies: nest(result.entropySlopes),
        };
      },
      { temperature },
    );
  };
  return { rows, loss, scores: current };
}

const norm = (vector: Float32Array): number => Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
const apart = (a: Float32Array, b: Float32Array): number => norm(a.map((x, i) => x - b[i]!)) / norm(a);

describe("the gradient of an objective through a model", function () {
  this.timeout(60_000);
  before(() => useBackend("wasm"));

  // CISPO's ratio is a constant by definition, so that its loss is not what its gradient descends: see below.
  for (const preset of Object.keys(PRESETS).filter((name) => name !== "cispo")) {
    it(`is what finite differences find: ${preset}`, async () => {
      const policy = await Policy.create(initModel({ ...model, initializerRange: 0.3 }, 1));
      try {
        const { loss } = await problem(configured(preset), policy);
        const gradient = Float32Array.from((await loss()).gradient);
        const size = norm(gradient);
        assert.ok(size > 1e-4, "there is something to descend");
        const start = Float32Array.from(policy.parameters);
        const at = async (direction: Float32Array, by: number): Promise<number> => {
          policy.parameters.set(start.map((x, i) => x + by * direction[i]!));
          policy.changed();
          return (await loss()).loss;
        };
        const random = stream(0, "direction", preset);
        const wild = gradient.map(() => random.normal());
        // Along the gradient, where the loss changes most, and along it bent at random.
        for (const bend of [0, 0.5]) {
          const bent = gradient.map((x, i) => x / size + (bend * wild[i]!) / norm(wild));
          const direction = bent.map((x) => x / norm(bent));
          const expected = gradient.reduce((sum, x, i) => sum + x * direction[i]!, 0);
          const h = preset === "gspo" ? 2e-5 / size : 2e-3;
          const found = ((await at(direction, h)) - (await at(direction, -h))) / (2 * h);
          assert.ok(
            Math.abs(found - expected) < 0.03 * Math.abs(expected) + 1e-5,
            `differences ${found}, gradient ${expected}`,
          );
        }
      } finally {
        await policy.dispose();
      }
    });
  }

  it("is, for CISPO, that of REINFORCE with each advantage times its clipped ratio", async () => {
    const policy = await Policy.create(initModel({ ...model, initializerRange: 0.3 }, 1));
    try {
      const config = configured("cispo");
      const { rows, loss, scores } = await problem(config, policy);
      const detached = Float32Array.from((await loss()).gradient);
      const { low, high } = config.objective.clip!;
      const weighted = rows.map((row, i) => ({
        ...row,
        advantages: row.advantages.map((advantage, t) => {
          const ratio = Math.exp(scores[i]![t]! - row.oldLogProbs[t]!);
          return advantage * Math.min(1 + high, Math.max(1 - low, ratio));
        }),
      }));
      const plain = { ...config.objective, ratio: "none", surrogate: "clipped", clip: null } as const;
      const reinforce = Float32Array.from((await loss(undefined, weighted, plain)).gradient);
      assert.ok(apart(detached, reinforce) < 1e-5);
    } finally {
      await policy.dispose();
    }
  });

  it("does not depend on the size of micro-batches, on workers, or on the order of rows", async () => {
    const config = configured("grpo");
    const files = initModel({ ...model, initializerRange: 0.3 }, 1);
    const gradientOf = async (options: object, order?: (rows: Row[]) => number[]): Promise<Float32Array> => {
      const policy = await Policy.create(files, options);
      try {
        const { rows, loss } = await problem(config, policy);
        return Float32Array.from((await loss(order?.(rows))).gradient);
      } finally {
        await policy.dispose();
      }
    };
    const whole = await gradientOf({});
    assert.ok(apart(whole, await gradientOf({ batchTokens: 1 })) < 1e-5, "one row at a time");
    const turned = await gradientOf({}, (rows) => rows.map((_, i) => rows.length - 1 - i));
    assert.ok(apart(whole, turned) < 1e-5, "the last row first");
    assert.deepEqual(await gradientOf({ workers: 2 }), whole, "the same bits with workers");
  });
});
