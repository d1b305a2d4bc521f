import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stream } from "../../lib/base/index.js";
import { loadModel, loadTokenizer } from "../../lib/model/index.js";
import { Policy } from "../../lib/policy/index.js";
import { useBackend } from "../../lib/tensor/index.js";
import {
  agreement,
  agreementGain,
  judgeDecisions,
  type JudgedEpisode,
  readJudged,
  writeJudged,
} from "../../lib/credit/index.js";
import { toMarkdown, valueTable } from "../../lib/results/index.js";
import { saveTinyModel, tinyShop } from "../runs/tiny-run.js";

const value = (score: number): { score: number; success: number } => ({
  score,
  success: Number(score === 1),
});

/**
 * Two decisions an episode: the first is luck that nobody can tell from the page, with a value of nothing or all; the second, on one of two pages,
 * is right or wrong. The return is the sum of both, and only the second page's decisions can be compared.
 */
function episodes(goal: number, count: number): JudgedEpisode[] {
  const random = stream(goal, "credit");
  return Array.from({ length: count }, () => {
    const luck = random.below(2);
    const right = random.below(2);
    const reward = 0.6 * luck + 0.2 * right;
    return {
      goal,
      reward,
      turns: [
        { anchor: "start", before: value(0.4), after: value(0.6 * luck + 0.1) },
        { anchor: `luck ${luck}`, before: value(0.6 * luck + 0.1), after: value(reward) },
      ],
    };
  });
}

describe("credit, judged by the values of decisions", () => {
  it("is better with the step level where an episode's return hides which decision made it", () => {
    const judged = Array.from({ length: 60 }, (_, goal) => episodes(goal, 16));
    const rule = { gamma: 1, size: 8, reward: "score" as const };
    const episode = agreement(judged, { ...rule, stepWeight: 0 });
    const both = agreement(judged, { ...rule, stepWeight: 4 });
    assert.equal(episode.decisions, 60 * 16 * 2);
    assert.ok(
      both.correlation.lo > episode.correlation.hi,
      `${both.correlation.value} ${episode.correlation.value}`,
    );
    assert.ok(both.sign > episode.sign);
    const gain = agreementGain(judged, { ...rule, stepWeight: 4 }, { ...rule, stepWeight: 0 });
    assert.ok(Math.abs(gain.value - (both.correlation.value - episode.correlation.value)) < 1e-12);
    assert.ok(gain.lo > 0 && gain.hi - gain.lo < both.correlation.hi - both.correlation.lo);
    assert.ok(Math.abs(agreement(judged, { ...rule, size: 16, stepWeight: 0 }).correlation.value) <= 1);
    const text = toMarkdown(valueTable({ identity: {}, judged }));
    const [alone] = /\|ω = 0 \(episodes alone\)\|([\d.]+)/.exec(text)!.slice(1);
    const own = agreement(judged, { ...rule, gamma: 0.95, stepWeight: 0 }).correlation.value;
    assert.equal(alone, own.toFixed(2), "the table has other numbers");
    assert.match(toMarkdown(valueTable(null)), /no judged decisions: npx tsx bench\/credit\.ts/);
    assert.throws(() => agreement(judged, { ...rule, size: 17, stepWeight: 0 }), /there are 16/);
  });

  it("is 1 for advantages that are the values themselves", () => {
    // One decision an episode: its advantage is its return less the mean, and its value the return less a constant.
    const judged = [0, 1, 2].map((goal) =>
      Array.from({ length: 8 }, (_, i): JudgedEpisode => {
        const reward = ((goal + i) % 4) / 4;
        return { goal, reward, turns: [{ anchor: "a", before: value(0.375), after: value(reward) }] };
      }),
    );
    const { correlation, sign } = agreement(judged, { gamma: 1, size: 8, reward: "score", stepWeight: 0 });
    assert.ok(Math.abs(correlation.value - 1) < 1e-12 && sign === 1);
  });

  describe("with a model in a shop", function () {
    this.timeout(60_000);
    const root = mkdtempSync(join(tmpdir(), "aisle-credit-"));
    after(() => rmSync(root, { recursive: true, force: true }));

    it("plays on from copies of every state, the same in every run, and keeps it in a file", async () => {
      await useBackend("wasm");
      const environment = tinyShop();
      saveTinyModel(root, environment);
      const files = loadModel(root);
      const tokenizer = await loadTokenizer(root, files.config);
      const policy = await Policy.create(files, { train: "nothing" });
      const judge = () =>
        judgeDecisions(policy, tokenizer, environment, [3, 4], {
          samples: 3,
          continuations: 2,
          temperature: 1,
          maxTokens: 6,
          maxSteps: 3,
          seed: 0,
        });
      const judged = await judge();
      assert.deepEqual(await judge(), judged);
      await policy.dispose();
      for (const own of judged) {
        assert.equal(own.length, 3);
        for (const { reward, turns } of own) {
          // What follows a decision is what the next begins with; an episode's end has its reward as value.
          turns.forEach((turn, t) => assert.deepEqual(turn.after, turns[t + 1]?.before ?? value(reward)));
          assert.deepEqual(turns[0]!.before, own[0]!.turns[0]!.before, "all begin in one state");
        }
      }
      const path = join(root, "judged.json");
      writeJudged(path, { identity: { seed: 0 }, judged });
      const again = readJudged(path);
      assert.deepEqual(
        again.judged.map((own) => own.map(({ reward, turns }) => [reward, turns.map(({ after }) => after)])),
        judged.map((own) => own.map(({ reward, turns }) => [reward, turns.map(({ after }) => after)])),
      );
      writeFileSync(path, '{"format": "aisle-credit-1", "identity": {}, "episodes": [[{"goal": 1}]]}');
      assert.throws(() => readJudged(path), /episodes\.0\.0/);
    });
  });
});
