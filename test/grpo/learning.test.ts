import { strict as assert } from "node:assert";
import {
  advantagesOf,
  type Group,
  learn,
  parseGrpoConfig,
  presetNamed,
  rowsOf,
  type GrpoConfig,
  type Learner,
} from "../../lib/grpo/index.js";
import { stream } from "../../lib/base/index.js";
import { initModel, parseModelConfig } from "../../lib/model/index.js";
import { Policy, Trainer } from "../../lib/policy/index.js";
import { useBackend } from "../../lib/tensor/index.js";

const PROMPT = [1, 2, 3];
/** Three arms: every token of the vocabulary pulls one of them. */
const armOf = (token: number): number => token % 3;
const REWARDS = [0, 0.5, 1];

function configured(preset: string): GrpoConfig {
  const { groups, reward, sampling, update, ...rest } = presetNamed(preset);
  return parseGrpoConfig({
    ...rest,
    groups: { ...groups, tasks: 1, size: 8, perTask: 1, zeroVariance: "keep" },
    reward: { ...reward, kind: "partial", scale: 1 },
    sampling: { ...sampling, temperature: 1, maxTokens: 1 },
    update: { ...update, learningRate: 0.02, miniBatchRows: null, weightDecay: 0 },
  });
}

/** A policy of a few thousand weights that answers with one token, and what it needs to learn. */
async function bandit(
  config: GrpoConfig,
): Promise<{ policy: Policy; learner: Learner; end: () => Promise<void> }> {
  const model = initModel(
    parseModelConfig({
      architectures: ["Qwen2ForCausalLM"],
      vocab_size: 12,
      hidden_size: 16,
      intermediate_size: 32,
      num_hidden_layers: 1,
      num_attention_heads: 2,
      max_position_embeddings: 16,
      tie_word_embeddings: false,
    }),
    0,
  );
  const policy = await Policy.create(model, { reference: true });
  const learner = new Trainer(policy, { learningRate: config.update.learningRate });
  return { policy, learner, end: () => policy.dispose() };
}

async function pull(policy: Policy, iteration: number, n: number): Promise<Group> {
  const [samples] = await policy.sample([{ prompt: PROMPT, n, name: ["pull", iteration] }], {
    seed: 0,
    maxTokens: 1,
    temperature: 1,
  });
  return {
    task: "bandit",
    rollouts: samples!.map(({ ids, logProbs }) => {
      const reward = REWARDS[armOf(ids[0]!)]!;
      const turn = {
        promptIds: PROMPT,
        responseIds: ids,
        oldLogProbs: logProbs,
        reward,
        formatValid: true,
        admissible: true,
        truncated: false,
        anchor: "bandit",
      };
      return { turns: [turn], return: reward, success: reward === 1, score: reward };
    }),
  };
}

/** Probability of the best arm. */
async function bestArm(policy: Policy): Promise<number> {
  const scores = await policy.scoreChoices(
    PROMPT,
    Array.from({ length: 12 }, (_, id) => [id]),
  );
  return scores.reduce((sum, score, id) => sum + (armOf(id) === 2 ? Math.exp(score) : 0), 0);
}

describe("learning from reward alone", function () {
  this.timeout(60_000);
  before(() => useBackend("wasm"));

  for (const preset of [
    "grpo",
    "thesis",
    "dr_grpo",
    "rloo",
    "reinforce-pp",
    "reinforce-pp-baseline",
    "dapo",
    "gspo",
    "cispo",
    "gigpo",
  ]) {
    it(`${preset} finds the best of three arms`, async () => {
      const config = configured(preset);
      const { policy, learner, end } = await bandit(config);
      const before = await bestArm(policy);
      for (let iteration = 0; iteration < 40; iteration++) {
        const groups = [await pull(policy, iteration, config.groups.size)];
        const rows = rowsOf(groups, advantagesOf(groups, config.advantage), config);
        await learn(rows, learner, config, stream(0, "shuffle", iteration));
      }
      const after = await bestArm(policy);
      await end();
      assert.ok(before < 0.5, `it did not know before: ${before}`);
      assert.ok(after > 0.9, `the best arm has probability ${after}, ${before} before`);
    });
  }

  it("reports a ratio of exactly 1 and nothing clipped on its first step", async () => {
    const config = configured("grpo");
    const { policy, learner, end } = await bandit(config);
    const groups = [await pull(policy, 0, 8)];
    const metrics = await learn(
      rowsOf(groups, advantagesOf(groups, config.advantage), config),
      learner,
      config,
      stream(0, "x"),
    );
    await end();
    assert.deepEqual([metrics["ratio/mean"], metrics["clip/frac"], metrics["kl_old/k1"]], [1, 0, 0]);
    assert.ok(metrics["sampler_vs_trainer/max"]! < 1e-5, "one engine samples and trains");
    assert.equal(metrics["kl_ref"], 0);
  });

  it("learns the same from mini-batches, one roll-out never split", async () => {
    const config = {
      ...configured("grpo"),
      update: { ...configured("grpo").update, miniBatchRows: 4, epochs: 2 },
    };
    const { policy, learner, end } = await bandit(config);
    const groups = [await pull(policy, 0, 8)];
    const metrics = await learn(
      rowsOf(groups, advantagesOf(groups, config.advantage), config),
      learner,
      config,
      stream(0, "x"),
    );
    await end();
    assert.equal(metrics["optimiser_steps"], 4);
    assert.ok(metrics["ratio/max"]! > 1, "later mini-batches are off-policy");
  });
});
