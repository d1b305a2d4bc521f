import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  PLAIN_FORM,
  multiTurnPlayerAgent,
  branchesAfter,
  type MultiTurnRolloutOptions,
  type PlayedEpisode,
  rollOutMultiTurn,
} from "../../lib/agents/index.js";
import { stream } from "../../lib/base/index.js";
import { batching, Policy } from "../../lib/policy/index.js";
import { loadModel, loadTokenizer, type Tokenizer } from "../../lib/model/index.js";
import { useBackend } from "../../lib/tensor/index.js";
import { saveTinyModel, tinyShop } from "../runs/tiny-run.js";

describe("multi-turn roll-outs", function () {
  this.timeout(120_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-rollouts-"));
  const environment = tinyShop();
  let policy: Policy;
  let tokenizer: Tokenizer;
  before(async () => {
    await useBackend("wasm");
    saveTinyModel(root, environment);
    const files = loadModel(root);
    tokenizer = await loadTokenizer(root, files.config);
    policy = await Policy.create(files);
  });
  after(async () => {
    await policy.dispose();
    rmSync(root, { recursive: true, force: true });
  });

  const options: MultiTurnRolloutOptions = {
    samples: 3,
    temperature: 1,
    maxTokens: 8,
    maxSteps: 4,
    form: PLAIN_FORM,
    seed: 1,
    name: ["test"],
  };
  const play = (
    goals: readonly number[],
    more: Partial<MultiTurnRolloutOptions> = {},
  ): Promise<PlayedEpisode[][]> =>
    rollOutMultiTurn(policy, tokenizer, environment, goals, { ...options, ...more });

  it("are the same whatever else is in the batch", async () => {
    const together = await play([3, 7]);
    assert.deepEqual((await play([7]))[0], together[1]);
    assert.deepEqual((await play([3], { samples: 1 }))[0]![0], together[0]![0]);
    assert.notDeepEqual(
      together[0]![0]!.rollout.turns[0]!.responseIds,
      together[0]![1]!.rollout.turns[0]!.responseIds,
    );
  });

  it("keep every step as a turn with its state, and end without a reward when steps run out", async () => {
    const [episodes] = await play([3]);
    for (const { trajectory, rollout } of episodes!) {
      assert.equal(rollout.turns.length, trajectory.steps.length);
      assert.equal(rollout.turns.length, 4, "an untrained model buys nothing");
      assert.equal(rollout.return, 0);
      for (const turn of rollout.turns) {
        assert.ok(!turn.formatValid && !turn.admissible);
        assert.ok(turn.anchor!.endsWith("Search") && !turn.anchor!.includes("a big"), turn.anchor);
      }
    }
  });

  it("are scored, behind what their prompts share, as they were sampled", async () => {
    const turns = (await play([3, 7])).flat().flatMap(({ rollout }) => rollout.turns);
    const beginnings = new Set(
      turns.map(({ promptIds, sharedTokens }) => promptIds.slice(0, sharedTokens).join()),
    );
    assert.equal(beginnings.size, 2, "one page for each goal: nobody has left it");
    assert.ok(turns.every(({ sharedTokens }) => sharedTokens! > 20));
    (await policy.logProbs(turns)).forEach(({ logProbs }, i) =>
      logProbs.forEach((value, t) => assert.ok(Math.abs(value - turns[i]!.oldLogProbs[t]!) < 1e-5)),
    );
  });

  it("fork into a budget of episodes that share their beginnings", async () => {
    const branching = { initial: 1, probability: 1, entropyWeight: 0 };
    const [episodes] = await play([3], { samples: 4, branching });
    const ids = episodes!.map(({ rollout }) => rollout.turns.map((turn) => turn.responseIds.join()));
    // One begins; it forks after its first step, and both fork after their second: 1, 2, 4.
    assert.equal(ids.length, 4);
    assert.equal(new Set(ids.map((turns) => turns[0])).size, 1);
    assert.equal(new Set(ids.map((turns) => turns[1])).size, 2);
    assert.equal(new Set(ids.map((turns) => turns[2])).size, 4);
    const [rooted] = await play([3], { samples: 3, branching: { ...branching, probability: 0 } });
    assert.equal(rooted!.length, 3, "what is not branched begins at the start");
    assert.deepEqual(rooted, (await play([3]))[0], "and is then the same as without branching");
  });

  it("are played by the agent from the evaluation's chance, alone or side by side", async () => {
    const model = { name: "tiny", fingerprint: "f", backend: "wasm" };
    const agent = multiTurnPlayerAgent("tiny", { policy, tokenizer, model }, { maxSteps: 2, maxTokens: 6 });
    const played = await agent.play(environment, 3, stream(0, "x"));
    assert.deepEqual(await agent.play(environment, 3, stream(0, "x")), played);
    const together = multiTurnPlayerAgent(
      "tiny",
      { policy: batching(policy), tokenizer, model },
      { maxSteps: 2, maxTokens: 6 },
    );
    const side = await Promise.all([2, 3, 4].map((goal) => together.play(environment, goal, stream(0, "x"))));
    assert.deepEqual(side[1], played);
    assert.equal(played.steps.length, 2);
    assert.equal(agent.settings["protocol"], "multi-turn");
  });
});

describe("ARPO's branching", () => {
  const episodes = (rise: number): { number: number; entropies: number[] }[] =>
    Array.from({ length: 4000 }, (_, number) => ({ number, entropies: [0.3, 0.3 + rise] }));
  const fraction = (rise: number, entropyWeight: number, probability = 0.5): number =>
    branchesAfter(episodes(rise), 4000, { initial: 1, probability, entropyWeight }, { seed: 0, name: ["b"] })
      .length / 4000;

  it("forks at the base rate without the entropy's weight or change", () => {
    for (const p of [0, 0.25, 0.5, 1]) {
      assert.ok(Math.abs(fraction(0.4, 0, p) - p) < 0.03, `${p}`);
      assert.ok(Math.abs(fraction(0, 0.7, p) - p) < 0.03, `${p}`);
    }
  });

  it("forks more where the policy has become less sure, less where surer", () => {
    assert.ok(Math.abs(fraction(0.5, 0.4) - 0.7) < 0.03);
    assert.ok(Math.abs(fraction(-0.5, 0.4) - 0.3) < 0.03);
    assert.equal(fraction(1, 1), 1);
  });

  it("never forks beyond its budget", () => {
    const few = branchesAfter(
      episodes(1),
      3,
      { initial: 1, probability: 1, entropyWeight: 1 },
      { seed: 0, name: [] },
    );
    assert.deepEqual(
      few.map(({ number }) => number),
      [0, 1, 2],
    );
    assert.deepEqual(
      branchesAfter(episodes(1), -1, { initial: 1, probability: 1, entropyWeight: 1 }, { seed: 0, name: [] }),
      [],
    );
  });
});
