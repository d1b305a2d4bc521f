import { strict as assert } from "node:assert";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  type Agent,
  type Completer,
  MatchAgent,
  multiTurnAgent,
  OracleAgent,
  PLAIN_FORM,
  promptedAgent,
  RandomAgent,
  RuleAgent,
  VERL_AGENT_FORM,
} from "../../lib/agents/index.js";
import { stream } from "../../lib/base/index.js";
import {
  ACTIONS_FILE,
  episodeIn,
  episodesOf,
  type KeptEpisode,
  keptEpisodeIn,
  lineOf,
  readRecord,
  replay,
  type RunRecord,
  writeRecord,
} from "../../lib/records/index.js";
import { evaluate, resultOf } from "../../lib/runs/index.js";
import {
  buildCatalogue,
  type DiskCatalogue,
  openCatalogue,
  openEnvironment,
  recipeSource,
} from "../../lib/simulator/index.js";

/** A model that says sensible things, and now and then foolish ones: a function of the question and its chance. */
const scripted = (act: boolean): Completer => ({
  settings: { model: "scripted" },
  counted: true,
  complete: (messages, { random }) => {
    const prompt = messages.at(-1)!.content;
    const task = /(?:Instruction|Your task): (.*)/.exec(prompt)![1]!.split(" ").slice(2, 7).join(" ");
    const clicks = [...prompt.matchAll(/^click\[(.*)\]$/gm)].map(([, text]) => text!);
    const pages = clicks.filter((text) => !["back to search", "< prev", "next >"].includes(text));
    const action = /^search\[<your query>\]$/m.test(prompt)
      ? `search[${task}]`
      : `click[${random.pick(["nothing", ...pages].slice(Math.sign(pages.length)))}]`;
    const answer = !act
      ? prompt.includes("Search query:")
        ? random.pick(["1", "3", " 7\n", "the second", "12"])
        : random.pick([task, `"${task}"\nthat`, "", "zzzz"])
      : random.pick([
          `<action>${action}</action>`,
          `<think>é \u2028 "so"</think><action>${action}</action>`,
          action,
          `<action>${action.slice(0, -3)}x]</action>`,
        ]);
    return Promise.resolve({
      text: answer,
      promptTokens: prompt.length,
      completionTokens: answer.length,
      truncated: answer.length % 5 === 0,
    });
  },
});

const agents: readonly Agent[] = [
  new RuleAgent(),
  new RandomAgent(),
  new MatchAgent(),
  new OracleAgent(2),
  promptedAgent("two", scripted(false)),
  promptedAgent("two-chooses", scripted(false), { options: "choose", listing: "metadata" }),
  promptedAgent("two-lists", scripted(false), { options: "all-lists" }),
  multiTurnAgent("turns", scripted(true), { form: PLAIN_FORM, maxSteps: 8, repair: 0.5 }),
  multiTurnAgent("react", scripted(true), { form: VERL_AGENT_FORM, maxSteps: 6 }),
];

describe("actions of recorded episodes", function () {
  this.timeout(60_000);
  let root: string;
  let catalogue: DiskCatalogue;
  const records = new Map<string, RunRecord>();
  before(async () => {
    root = mkdtempSync(join(tmpdir(), "aisle-actions-"));
    await buildCatalogue(recipeSource({ products: 400, seed: 6 }), join(root, "shop"));
    catalogue = openCatalogue(join(root, "shop"));
    const environment = openEnvironment(catalogue);
    for (const agent of agents) {
      const goals = { first: 0, count: 20 };
      const seeds = [0, 3];
      const { record } = await evaluate({
        agent,
        environment,
        split: "test",
        goals,
        seeds,
        runs: join(root, "runs"),
      });
      records.set(agent.name, record);
    }
  });
  after(() => {
    catalogue.close();
    rmSync(root, { recursive: true, force: true });
  });

  for (const { name } of agents) {
    it(`of ${name} are kept and lead to the same rewards and the same pages again`, () => {
      const record = records.get(name)!;
      const kept = [...episodesOf(record)];
      assert.equal(kept.length, 40);
      for (const { goal, seed } of kept) {
        const again = replay(record, { goal, seed, catalogue });
        assert.ok(again.sameShown);
        const expected = record.results.find((one) => one.goal === goal && one.seed === seed)!;
        const { usage, ...result } = expected;
        assert.deepEqual(resultOf(again.trajectory, seed, catalogue.goal(goal)), result);
        const { decisions } = again.trajectory;
        assert.equal(decisions === undefined, again.kept.decisions === null);
        if (!decisions) continue;
        // All that a decision was read as comes out of its answer again, and nothing of it is lost.
        assert.deepEqual(
          decisions.map(({ prompt: _, ...one }) => one),
          again.kept.decisions,
        );
        assert.equal(
          decisions.reduce((sum, { promptTokens }) => sum + promptTokens!, 0),
          usage!.promptTokens,
        );
      }
    });
  }

  it("hold what was said where it is not what was done, and flags of what went wrong", () => {
    const turns = [...episodesOf(records.get("turns")!)].flatMap(({ decisions }) => decisions!);
    assert.ok(turns.some(({ repaired }) => repaired));
    assert.ok(turns.some(({ formatValid }) => !formatValid));
    assert.ok(turns.some(({ answer }) => answer.includes('é \u2028 "so"')));
    const two = [...episodesOf(records.get("two")!)].flatMap(({ decisions }) => decisions!);
    assert.ok(
      two.some(({ task, answer, admissible }) => task === "select" && answer === "12" && !admissible),
    );
    const text = readFileSync(join(records.get("two")!.path, ACTIONS_FILE), "utf8");
    assert.match(text, /"query":true/);
  });

  it("are the played ones, to the byte", async () => {
    const environment = openEnvironment(catalogue);
    const agent = agents.find(({ name }) => name === "random")!;
    const played = await agent.play(environment, 5, stream(3, "evaluate", 5));
    const { actions, decisions } = keptEpisodeIn(records.get("random")!, 5, 3);
    assert.deepEqual(
      actions,
      played.steps.map(({ action }) => action),
    );
    assert.equal(decisions, null);
  });

  it("are refused for a goal, a seed or a shop that the record has not", async () => {
    const record = records.get("rule")!;
    const refused = (goal: number, seed: number, message: RegExp): void =>
      assert.throws(() => replay(record, { goal, seed, catalogue }), { name: "InputError", message });
    refused(20, 0, /has no goal 20; it has 0 to 19/);
    refused(0, 1, /has no seed 1; it has 0, 3/);
    const without: RunRecord = { ...record, files: {} };
    assert.throws(() => keptEpisodeIn(without, 0, 0), /kept no actions/);
    await buildCatalogue(recipeSource({ products: 400, seed: 7 }), join(root, "other"));
    const other = openCatalogue(join(root, "other"));
    try {
      assert.throws(
        () => replay(record, { goal: 0, seed: 0, catalogue: other }),
        /another shop than this one/,
      );
    } finally {
      other.close();
    }
  });

  /** The record of an agent with its file of actions changed, and sealed anew. */
  function altered(name: string, change: (text: string) => string): RunRecord {
    const { identity, results, path, files } = records.get(name)!;
    const textOf = (file: string): string => readFileSync(join(path, file), "utf8");
    const now = change(textOf(ACTIONS_FILE));
    assert.notEqual(now, textOf(ACTIONS_FILE));
    const all = Object.fromEntries(Object.keys(files).map((file) => [file, textOf(file)]));
    const content = { identity, results, files: { ...all, [ACTIONS_FILE]: now }, seconds: 0 };
    return writeRecord(content, join(root, "altered")).record;
  }
  const all = (record: RunRecord): KeptEpisode[] => [...episodesOf(record)];

  it("are refused when the file was changed, with or without its checksum", () => {
    const { path, id } = records.get("match")!;
    const folder = join(root, "damaged", id);
    cpSync(path, folder, { recursive: true });
    const text = readFileSync(join(folder, ACTIONS_FILE), "utf8");
    writeFileSync(join(folder, ACTIONS_FILE), text.replace("buy now", "buy mow"));
    assert.throws(() => readRecord(folder), /actions.jsonl is not the one that it names/);
    const cases: [(text: string) => string, RegExp][] = [
      [(t) => t.replace(/^.*\n/, ""), /Line 1 of .* it is of goal 1 with seed 0, and the result of goal 0/],
      [(t) => t.replace(/.*\n$/, ""), /has 39 episodes, and its record 40/],
      [(t) => `${t}${t.split("\n")[0]!}\n`, /no further result/],
      [(t) => t.replace('"reward":', '"reward":0.01234,"x":'), /Unrecognized key/],
      [(t) => t.replace(/"reward":[\d.]+/, '"reward":0.01234'), /reward of 0.01234, and the result/],
      [(t) => t.replace(/,"click\[buy now\]"/, ""), /actions, and the result/],
      [(t) => t.replace("{", "["), /Line 1/],
      [(t) => t.replace(/"shown":"../, '"shown":"zz'), /12 hexadecimal digits/],
    ];
    for (const [change, message] of cases)
      assert.throws(() => all(altered("match", change)), { name: "InputError", message });
    const decided = (from: string | RegExp, to: string): (() => unknown) => {
      const record = altered("two", (t) => t.replace(from, to));
      return () => all(record);
    };
    assert.throws(decided('{"select":', '{"query":"x","select":'), /must be of one task/);
    assert.throws(decided(/"select":"[^"]*"/, '"select":true'), /has no answer/);
  });

  it("say so when they no longer lead where they led", () => {
    const first = all(records.get("match")!).find(({ reward }) => reward > 0)!;
    const bought = first.actions[1]!;
    const record = altered("match", (t) => t.replaceAll(bought, "click[b0none]"));
    assert.throws(() => replay(record, { ...first, catalogue }), {
      name: "InputError",
      message: /does not come out again: its reward is 0 instead of/,
    });
    const two = all(records.get("two")!).find(
      ({ decisions }) => decisions!.length === 2 && decisions![1]!.answer === "3",
    )!;
    const line = lineOf(two);
    const other = altered("two", (t) => t.replace(line, line.replace('"select":"3"', '"select":"2"')));
    assert.throws(() => replay(other, { ...two, catalogue }), /step 2 is click\[.*\] instead of click\[/);
  });

  it("survive being written and read, whatever was said", () => {
    const text = fc.string({ unit: "binary", maxLength: 12 });
    const count = fc.nat(9);
    const decision = fc.record(
      {
        task: fc.constantFrom("query" as const, "select" as const, "act" as const),
        step: count,
        answer: text,
        formatValid: fc.boolean(),
        admissible: fc.boolean(),
        repaired: fc.boolean(),
        truncated: fc.boolean(),
      },
      { noNullPrototype: true },
    );
    const part = fc.double({ min: 0, max: 1, noNaN: true }).map((x) => x + 0);
    const episode: fc.Arbitrary<KeptEpisode> = fc.record(
      {
        seed: fc.integer(),
        goal: count,
        actions: fc.array(
          fc.oneof(
            text,
            text.map((one) => `search[${one}]`),
          ),
        ),
        decisions: fc.option(fc.array(decision)),
        reward: part,
        parts: fc.option(
          fc.record(
            { rType: part, rAtt: part, rOption: fc.option(part), rPrice: part },
            { noNullPrototype: true },
          ),
        ),
        shown: fc.constant("0123456789ab"),
      },
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(episode, (one) => {
        const line = lineOf(one);
        assert.ok(!line.includes("\n"));
        assert.deepEqual(episodeIn(line), one);
      }),
      { numRuns: 200 },
    );
  });
});
