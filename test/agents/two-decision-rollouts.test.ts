import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PlayedRollout, rollOut, type RolloutOptions, VERDICTS } from "../../lib/agents/index.js";
import { loadModel, loadTokenizer, type Tokenizer } from "../../lib/model/index.js";
import { Policy } from "../../lib/policy/index.js";
import { openEnvironment } from "../../lib/simulator/index.js";
import { useBackend } from "../../lib/tensor/index.js";
import { tinyGoal, tinyProduct, TinyCatalogue } from "../simulator/tiny.js";
import { saveTinyModel } from "../runs/tiny-run.js";

/** Lamps in two options each. An untrained model's query finds nothing, so that a search for anything finds them all here. */
class AnySearch extends TinyCatalogue {
  override search(): ReturnType<TinyCatalogue["search"]> {
    return super.search("lamp", 10);
  }
}
const lamps = Array.from({ length: 6 }, (_, i) =>
  tinyProduct({
    asin: `B0LAMP000${i}`,
    title: `Lamp ${i}`,
    options: [
      { name: "color", values: ["red", "blue", "green"] },
      { name: "size", values: ["small", "large"] },
    ],
  }),
);
const goals = lamps.map((lamp, index) =>
  tinyGoal(lamp, { index, instruction: `lamp ${index} in red, large`, options: ["red", "large"] }),
);
const environment = openEnvironment(new AnySearch(lamps, goals));

describe("two-decision roll-outs", function () {
  this.timeout(120_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-rollouts-"));
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

  const play = (more: Partial<RolloutOptions> = {}, which = [1, 4]): Promise<PlayedRollout[][]> =>
    rollOut(policy, tokenizer, environment, which, {
      samples: 3,
      temperature: 1,
      maxTokens: 6,
      optionMode: "match",
      seed: 1,
      name: ["test"],
      ...more,
    });
  /** The titles that a turn's prompt and answer show, in their order. */
  const shown = ({ rollout }: PlayedRollout): string[] => {
    const { promptIds, responseIds } = rollout.turns[1]!;
    return [...tokenizer.decode([...promptIds, ...responseIds]).matchAll(/\d\. (lamp \d)/gi)].map(
      ([, title]) => title!.toLowerCase(),
    );
  };

  it("read aloud: the list's lines are given, a verdict for each and the number are sampled and scored as they were", async () => {
    const played = (await play({ reading: "aloud" })).flat();
    for (const { rollout, trajectory } of played) {
      const [query, choice] = rollout.turns;
      assert.equal(query!.scored, undefined);
      const sampled = choice!.responseIds.filter((_, i) => choice!.scored![i]);
      assert.equal(choice!.oldLogProbs.length, sampled.length);
      assert.ok(sampled.length > lamps.length && sampled.length <= lamps.length + 4);
      assert.ok(choice!.oldLogProbs.every((value) => value < 0));
      const { answer } = trajectory.decisions![1]!;
      assert.ok(!answer.includes("lamp 0"), `${answer} holds the model's own words alone`);
      assert.ok(trajectory.parts, "whatever it says, something is bought");
    }
    const turns = played.map(({ rollout }) => rollout.turns[1]!);
    (await policy.logProbs(turns)).forEach(({ logProbs }, i) => {
      assert.equal(logProbs.length, turns[i]!.oldLogProbs.length);
      logProbs.forEach((value, t) => assert.ok(Math.abs(value - turns[i]!.oldLogProbs[t]!) < 1e-5));
    });
    assert.ok(VERDICTS.every((word) => tokenizer.encode(word).length >= 1));
  });

  it("are the same whatever else is in the batch", async () => {
    for (const more of [
      {},
      { reading: "aloud" as const, permuted: true },
      { optionMode: "choose" as const },
    ]) {
      const together = await play(more);
      assert.deepEqual((await play(more, [4]))[0], together[1]);
      assert.deepEqual((await play({ ...more, samples: 1 }))[0]![0], together[0]![0]);
    }
  });

  it("list results in the search's order, or in one drawn for each query", async () => {
    const usual = lamps.map(({ title }) => title.toLowerCase());
    for (const reading of ["silent", "aloud"] as const) {
      const [plain, permuted] = [await play({ reading }), await play({ reading, permuted: true })];
      for (const one of plain.flat()) assert.deepEqual(shown(one), usual);
      const orders = permuted.flat().map(shown);
      for (const order of orders) assert.deepEqual([...order].sort(), usual);
      assert.ok(new Set(orders.map((order) => order.join())).size > 2, "an order of each query's own");
    }
  });

  it("ask for every option of what was chosen, a turn each", async () => {
    const played = (await play({ optionMode: "choose" })).flat();
    for (const { rollout, trajectory } of played) {
      assert.deepEqual(
        trajectory.decisions!.map(({ task }) => task),
        ["query", "select", "option", "option"],
      );
      assert.equal(rollout.turns.length, 4);
      assert.equal(trajectory.steps.at(-1)!.action, "click[buy now]");
      assert.deepEqual(
        rollout.turns.map(({ reward }) => reward > 0),
        [false, false, false, rollout.return > 0],
      );
    }
  });
});
