import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { figureSvg } from "../../figures/index.js";
import {
  ablationRecordsTable,
  ablations,
  ablationsTable,
  costTable,
  learnedParagraphs,
  learnedSummary,
  ladder,
  learningPairs,
  mainResults,
  matchSentence,
  type MainResult,
  publishedResults,
  type StudyData,
  type StudyShop,
  toMarkdown,
  type TrainingCurve,
} from "../../lib/results/index.js";
import { evaluate, expandSweep, trainingKey } from "../../lib/runs/index.js";
import { parseRecordQuery, recordsWhere } from "../../lib/records/index.js";
import { fakeAgent, fakeEnvironment } from "../runs/fakes.js";

const shop: StudyShop = { fingerprint: "fake-1", products: 10_000, goals: 60, test: { first: 0, count: 40 } };
const environment = fakeEnvironment(60);
const goals = { first: 0, count: 40 };

/** Three runs of a family whose return rises by a known amount. */
function curves(name: string, rise: number): TrainingCurve[] {
  return [0, 1, 2].map((seed) => ({
    record: {
      id: `train-${name}-${seed}-0123456789`,
      identity: {
        name,
        seed,
        config: {
          iterations: 20,
          learner: { groups: { tasks: 2, perTask: 1, size: 4 }, update: { learningRate: 0.001 } },
        },
      },
    } as unknown as TrainingCurve["record"],
    metrics: Array.from({ length: 21 }, (_, iteration) => ({
      iteration,
      ...(iteration > 0
        ? { "return/mean": 0.4 + rise * iteration + 0.01 * seed, "steps/mean": 2, "response_len/mean": 5 }
        : {}),
      ...(iteration % 10 === 0 ? { "dev/score": 50 + 100 * rise * iteration, "dev/success": 20 } : {}),
    })),
    seconds: 60 * (seed + 1),
  }));
}

describe("what is said of trained agents", function () {
  this.timeout(120_000);
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "aisle-learned-"))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** Results in which an agent's rewards are given goal by goal, three seeds alike but for a little. */
  async function results(rewards: Record<string, (goal: number) => number>): Promise<MainResult[]> {
    const runs = mkdtempSync(join(folder, "runs-"));
    for (const [name, of] of Object.entries(rewards)) {
      const agent = fakeAgent(name);
      const play = agent.play.bind(agent);
      const fixed = {
        ...agent,
        play: async (...args: Parameters<typeof play>) => {
          const played = await play(...args);
          const reward = of(args[1]);
          return {
            ...played,
            reward,
            parts: played.parts && { ...played.parts, total: reward, rType: reward },
          };
        },
      };
      const seeds = name === "match" ? [0] : [0, 1, 2];
      await evaluate({ agent: fixed, environment, split: "test", goals, seeds, runs });
    }
    return mainResults(shop, runs);
  }
  // goals whose number ends in 4 or 9 are not bought by the fake agent
  const bought = (goal: number, value: number): number => (goal % 5 === 4 ? 0 : value);

  it("follows the records: better, worse, and no difference", async () => {
    const start = (goal: number): number => bought(goal, goal % 2 ? 0.5 : 0.25);
    const better = await results({ il: start, grpo: (goal) => bought(goal, 1) });
    assert.match(
      learnedParagraphs(better),
      /Better than the imitation that it began from, beyond chance in both .*, is GRPO \(\$\+50\.0\$, \$\+80\.0\$\)\./,
    );
    assert.match(learnedSummary(better), /^GRPO beats the imitation/);
    const worse = await results({ il: (goal) => bought(goal, 1), grpo: start });
    assert.match(
      learnedParagraphs(worse),
      /Worse beyond chance in both .* is GRPO \(\$-50\.0\$, \$-80\.0\$\)\./,
    );
    assert.match(learnedSummary(worse), /^None of the trained agents beats/);
    const same = await results({ il: start, grpo: start });
    assert.match(
      learnedParagraphs(same),
      /By no more than chance could make differs GRPO \(\$0\.0\$, \$0\.0\$\)\./,
    );
    assert.match(learnedSummary(same), /^None.*; none gains in success\.$/);
    for (const text of [better, worse, same].map(learnedParagraphs)) {
      assert.match(text, /Of REINFORCE\+\+, RLOO, .*, GiGPO and GiGPO \(dynamic\) there is no record yet/);
    }
    const none = await results({ il: start });
    assert.equal(learnedSummary(none), "No trained agent has been evaluated yet.");
  });

  it("compares a family with the protocol's own imitation, and all of them with the agent that learned nothing", async () => {
    const all = await results({
      il: (goal) => bought(goal, 1),
      "il-multi-turn": (goal) => bought(goal, goal % 2 ? 0.5 : 0.25),
      gigpo: (goal) => bought(goal, 1),
      match: (goal) => bought(goal, 0.5),
    });
    assert.match(learnedParagraphs(all), /Better than the imitation that it began from, .* is GiGPO/);
    assert.match(matchSentence(all), /^GiGPO has a higher mean score than match, which .* scores 40\.0/);
    const below = await results({ gigpo: (goal) => bought(goal, 0.25), match: (goal) => bought(goal, 0.5) });
    assert.match(matchSentence(below), /^None of the trained agents has a higher mean score than match/);
    assert.equal(matchSentence(all.filter(({ agent }) => agent !== "match")), "");
  });

  it("gives every algorithm of the ladder the protocol of its configuration, which is there", () => {
    for (const { name, protocol } of ladder.filter(({ learns }) => learns === "reward")) {
      const config = JSON.parse(readFileSync(`configs/${name}.json`, "utf8")) as Record<string, unknown>;
      assert.equal(config["name"], name);
      assert.equal(config["protocol"] ?? "two-decision", protocol, name);
    }
  });

  it("compares a family with the start that its training record names, not with one by name", async () => {
    const all = await results({ il: (goal) => bought(goal, 0.5), grpo: (goal) => bought(goal, 1) });
    const began = all.map((one) => (one.agent === "grpo" ? { ...one, start: "prompted" } : one));
    const against = learningPairs(began).filter(([a]) => a === "grpo");
    assert.deepEqual(against[0], ["grpo", "prompted"]);
    assert.ok(against.every(([, b]) => b !== "il"));
    assert.ok(learningPairs(all).some((pair) => pair.join() === "grpo,il"));
  });

  it("tabulates costs and draws curves, and says what is missing", async () => {
    const training = [...curves("grpo", 0.01), ...curves("rloo", 0.005)];
    const text = toMarkdown(costTable(training));
    assert.match(text, /\|GRPO\|2 × 1 × 4\|1\|0\.001\|20\|1\.6 k\|2\.0\|3\|/); // 20 iterations × 8 roll-outs × 2 turns × 5 tokens
    assert.match(text, /\|GiGPO\|no training record: npx aisle train configs\/gigpo\.json\|/);
    const published = publishedResults();
    const base: StudyData = {
      shop,
      results: [],
      published,
      training,
      ablations: [],
      episode: null,
      judged: null,
    };
    const svg = await figureSvg("learning-curves", base);
    assert.match(svg, />GRPO</);
    assert.match(svg, />RLOO</);
    assert.notEqual(
      svg,
      await figureSvg("learning-curves", {
        ...base,
        training: [...curves("grpo", 0.011), ...curves("rloo", 0.005)],
      }),
    );
    const played = (rollouts: number): TrainingCurve[] =>
      training.map((one) => ({ ...one, metrics: one.metrics.map((m) => ({ ...m, rollouts })) }));
    assert.equal(svg, await figureSvg("learning-curves", { ...base, training: played(8) }));
    assert.notEqual(svg, await figureSvg("learning-curves", { ...base, training: played(16) }));
    assert.match(await figureSvg("learning-curves", { ...base, training: [] }), /No training record yet/);
    assert.match(await figureSvg("step-credit", base), /No training record with anchor groups yet/);
  });

  it("joins the seeds of an ablation's variants, and says which records are missing", async () => {
    const runs = mkdtempSync(join(folder, "runs-"));
    const sweeps = mkdtempSync(join(folder, "sweeps-"));
    const sweep = {
      kind: "sweep",
      name: "marginals",
      base: { kind: "grpo", name: "thesis" },
      grid: { "groups.size": [3, 9], "groups.perTask": [1], "update.epochs": [1] },
      testGoals: 30,
    };
    const write = (iterations: number): void =>
      writeFileSync(
        join(sweeps, "marginals.json"),
        JSON.stringify({ ...sweep, base: { ...sweep.base, iterations } }),
      );
    write(5);
    const { variants } = expandSweep({ ...sweep, base: { ...sweep.base, iterations: 5 } });
    const play = async (variant: string, seeds: readonly number[]): Promise<void> => {
      const { config } = variants.find((one) => one.variant === variant)!;
      const agent = fakeAgent(variant, { training: trainingKey(config) });
      for (const seed of seeds)
        await evaluate({
          agent,
          environment,
          split: "test",
          goals: { first: 0, count: 30 },
          seeds: [seed],
          runs,
        });
    };
    await play("thesis:size=3:perTask=1:epochs=1", [0, 1, 2]);
    await play("thesis:size=9:perTask=1:epochs=1", [0, 2]);
    const found = ablations(shop, runs, sweeps);
    const [small, large] = found[0]!.variants;
    assert.deepEqual([small!.summary!.seeds, small!.summary!.goals], [[0, 1, 2], 30]);
    assert.deepEqual([large!.summary, large!.records.length], [null, 2]);
    write(6);
    const changed = ablations(shop, runs, sweeps)[0]!.variants;
    assert.ok(
      changed.every(({ records }) => records.length === 0),
      "records of another configuration were taken for this one's",
    );
    write(5);
    const text = toMarkdown(ablationsTable(found));
    assert.match(text, /\|G 3, M 1, I 1\|\d+\.\d \[.*\|3\/3\|/);
    assert.match(text, /\|G 9, M 1, I 1\|2 of 3 records: npx aisle sweep .*\|2\/3\|/);
    const data: StudyData = {
      shop,
      results: [],
      published: publishedResults(),
      training: [],
      ablations: found,
      episode: null,
      judged: null,
    };
    const listed = toMarkdown(ablationRecordsTable(data));
    for (const { records } of found[0]!.variants)
      for (const { id } of records) assert.match(listed, new RegExp(`\\b${id.slice(-10)}\\b`));
    assert.match(toMarkdown(ablationRecordsTable({ ...data, ablations: [] })), /none yet/);
    const svg = await figureSvg("marginals", data);
    assert.match(svg, /G 3 · M 1 · I 1</);
    assert.match(svg, /G 9 · M 1 · I 1 \(none\)/);
    const startedAt = async (il: (goal: number) => number): Promise<string> =>
      figureSvg("marginals", { ...data, results: await results({ il: (goal) => bought(goal, il(goal)) }) });
    const [hard, easy, other] = [
      await startedAt((goal) => (goal < 30 ? 0.5 : 0)),
      await startedAt((goal) => (goal < 30 ? 0.5 : 1)),
      await startedAt((goal) => (goal < 30 ? 0.75 : 0)),
    ];
    assert.equal(hard, easy, "the start was drawn on goals that the sweep did not play");
    assert.notEqual(hard, other);
    assert.notEqual(hard, svg);
    assert.equal(
      recordsWhere(parseRecordQuery("method = thesis:size=9:perTask=1:epochs=1, seeds = 2..2"), runs).length,
      1,
    );
  });

  it("reads a query as people write it", () => {
    assert.deepEqual(parseRecordQuery("method = grpo, seeds = 0..2"), { agent: "grpo", seeds: [0, 1, 2] });
    assert.deepEqual(parseRecordQuery(" split=test ,goals= 500, seeds = 0+4"), {
      split: "test",
      goalCount: 500,
      seeds: [0, 4],
    });
    assert.deepEqual(parseRecordQuery(""), {});
    for (const [text, says] of [
      ["colour = red", /ask for method/],
      ["seeds", /no condition/],
      ["seeds = 2..0", /smaller number first/],
      ["goals = many", /whole number/],
      ["split = all", /there are test, dev, train/],
    ] as const) {
      assert.throws(() => parseRecordQuery(text), { name: "InputError", message: says });
    }
  });
});
