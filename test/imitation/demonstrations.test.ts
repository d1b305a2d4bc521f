import { strict as assert } from "node:assert";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAction, parseSelection, VERDICTS, verdictOf } from "../../lib/agents/index.js";
import { stream } from "../../lib/base/index.js";
import {
  multiTurnDemonstrations,
  carefulQuery,
  type Demonstration,
  demonstrationRow,
  importHumanSession,
  importQueryMap,
  readDemonstrations,
  readHumanSession,
  shop as shopAround,
  taughtGoals,
  type TaughtRow,
  twoDecisionDemonstrations,
  writeDemonstrations,
} from "../../lib/imitation/index.js";
import { loadTokenizer } from "../../lib/model/index.js";
import {
  buildCatalogue,
  type DiskCatalogue,
  openCatalogue,
  openEnvironment,
  recipeSource,
  splitRanges,
} from "../../lib/simulator/index.js";
import { aisle } from "../cli/run.js";

const REAL = process.env["AISLE_WEBSHOP_REAL"] ?? join("..", "shared", "webshop-real");

describe("demonstrations", function () {
  this.timeout(30000);
  let root: string;
  let shop: DiskCatalogue;
  let shown: Demonstration[];
  const options = { goals: 40, oracle: 0.5, seed: 3 };

  before(async () => {
    root = mkdtempSync(join(tmpdir(), "aisle-demonstrations-"));
    await buildCatalogue(recipeSource({ products: 500, seed: 6 }), join(root, "shop"));
    shop = openCatalogue(join(root, "shop"));
    shown = [
      ...twoDecisionDemonstrations(shop, options),
      ...multiTurnDemonstrations(shop, { ...options, goals: 10 }),
    ];
  });
  after(() => {
    shop.close();
    rmSync(root, { recursive: true, force: true });
  });

  it("read aloud: verdicts by the reward of each result, in an order that tells nothing, and the first of the best", async () => {
    const aloud = [...twoDecisionDemonstrations(shop, { ...options, aloud: "either" })].filter(
      ({ task }) => task === "aloud",
    );
    const places = new Set<string>();
    for (const { given, answer, from, messages } of aloud) {
      const words = answer.split(" ");
      assert.equal(words.length, given!.length);
      const ranks = words.slice(0, -1).map((word) => VERDICTS.findIndex((verdict) => verdict === ` ${word}`));
      assert.ok(!ranks.includes(-1), answer);
      assert.equal(Number(words.at(-1)), ranks.indexOf(Math.max(...ranks)) + 1);
      assert.equal(verdictOf(from.reward!), Math.max(...ranks), "the best is worth its verdict");
      assert.ok(messages.some(({ content }) => content.includes(shop.goal(from.goal!).instruction)));
      places.add(words.at(-1)!);
    }
    assert.ok(
      aloud.length > 60 && places.size > 5,
      `${aloud.length} choices of places ${[...places].join()}`,
    );
    assert.ok(aloud.some(({ given }) => given![0]!.includes(" | ")));
    assert.ok(aloud.some(({ given }) => !given![0]!.includes(" | ")));

    const tokenizer = await loadTokenizer("data/models/base");
    const [one] = aloud;
    const row = demonstrationRow(tokenizer, one!, 2, 4096)!;
    const [{ ids, scored, weights }] = row.completions as [TaughtRow["completions"][number]];
    const own = ids.filter((_, i) => scored![i]);
    assert.equal(
      tokenizer
        .decode(own, { skipSpecials: true })
        .replace(/(\d+)$/, " $1")
        .trim(),
      one!.answer,
      "only the model's own words are scored",
    );
    assert.equal(weights.length, own.length);
    assert.ok(Math.abs(weights.reduce((a, b) => a + b, 0) - 1) < 1e-12);
    const whole = tokenizer.decode([...row.prompt, ...ids]);
    for (const text of one!.given!) assert.ok(whole.includes(text.toLowerCase()), text);
    assert.equal(demonstrationRow(tokenizer, one!, 2, 100), null, "one that does not fit is left out");

    const file = join(root, "aloud.jsonl");
    writeDemonstrations(file, aloud);
    assert.deepEqual(readDemonstrations(file), aloud);
  });

  it("are of train goals only, by both teachers, in all three forms, with their provenance", () => {
    const { start } = splitRanges(shop.goalCount).train;
    for (const { from } of shown) {
      assert.ok(from.goal !== null && from.goal >= start);
      assert.equal(from.source, shop.fingerprint);
      assert.equal(from.seed, 3);
    }
    for (const task of ["query", "select", "act"]) {
      for (const teacher of ["oracle", "shopper"]) {
        assert.ok(
          shown.some((one) => one.task === task && one.from.teacher === teacher),
          `${task} by the ${teacher}`,
        );
      }
    }
  });

  it("are the same again from the same seed, and others from another", () => {
    const again = [...twoDecisionDemonstrations(shop, options)];
    assert.deepEqual(again, shown.slice(0, again.length));
    const other = taughtGoals(shop, { ...options, seed: 4 }).map(({ goal }) => goal.index);
    assert.notDeepEqual(
      other,
      taughtGoals(shop, options).map(({ goal }) => goal.index),
    );
  });

  it("answer as the prompts' parsers read", () => {
    for (const { task, answer, messages } of shown) {
      if (task === "select") assert.equal(parseSelection(answer, 10).valid, true);
      if (task === "act") {
        const { action, formatValid } = parseAction(answer, false);
        assert.equal(formatValid, true);
        const page = messages.at(-1)!.content;
        assert.ok(
          action.startsWith("search[") || page.includes(`\n${action}\n`),
          `${action} is not on ${page}`,
        );
      }
    }
  });

  it("of the oracle earn more than the shoppers'", () => {
    const mean = (teacher: string): number => {
      const rewards = shown.flatMap((one) =>
        one.task === "select" && one.from.teacher === teacher ? [one.from.reward!] : [],
      );
      return rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
    };
    assert.ok(mean("oracle") > mean("shopper"), `${mean("oracle")} ≤ ${mean("shopper")}`);
  });

  it("of shoppers end with a purchase, and some turn back or search again", () => {
    const environment = openEnvironment(shop);
    const sessions = Array.from({ length: 40 }, (_, goal) => shopAround(environment, goal, stream(1, goal)));
    for (const [goal, actions] of sessions.entries()) {
      let state = environment.reset({ goal });
      for (const action of actions) {
        const result = environment.step(state, action);
        assert.equal(result.valid, true, `goal ${goal}: ${action} after ${actions.join(", ")}`);
        state = result.state;
      }
      assert.equal(state.done, true);
    }
    const does = (text: string): number => sessions.filter((actions) => actions.includes(text)).length;
    assert.ok(does("click[< prev]") > 3);
    assert.ok(does("click[back to search]") > 3);
  });

  it("write a careful query without fillers, price or repeated words", () => {
    const goal = {
      ...shop.goal(0),
      instruction: "i am looking for an easy to clean rug in blue, and price lower than 40.00 dollars",
      attributes: ["easy clean", "machine washable"],
      query: "area rugs",
    };
    assert.equal(carefulQuery(goal), "easy clean rug blue area");
  });

  it("go to a file and come back", () => {
    const file = join(root, "demonstrations.jsonl");
    writeDemonstrations(file, shown);
    assert.deepEqual(readDemonstrations(file), shown);
  });

  it("that are broken are refused with their line", () => {
    const file = join(root, "broken.jsonl");
    const line = JSON.stringify(shown[0]);
    for (const [text, message] of [
      [`${line}\n{"task":`, /Line 2 of .* is not JSON/],
      [`${line}\n\n${line.replace('"query"', '"guess"')}`, /Line 3 of .*"task"/],
      [line.replace('"answer"', '"reply"'), /Line 1 of .* is not a demonstration/],
      ["", /holds no demonstrations/],
    ] as const) {
      writeFileSync(file, text);
      assert.throws(() => readDemonstrations(file), { name: "InputError", message });
    }
  });

  it("are made of a person's session log", () => {
    const goal = { instruction_text: "i want a lamp" };
    const file = join(root, "session.jsonl");
    const [one, two] = [shop.product(0), shop.product(1)];
    const shownAsins = [one.asin, two.asin];
    const pages = [
      { page: "index", goal },
      {
        page: "search_results",
        goal,
        content: { keywords: ["desk", "lamp"], search_result_asins: shownAsins, page: 1 },
      },
      {
        page: "item_page",
        goal,
        content: { asin: two.asin, options: {}, keywords: "['desk', 'lamp']", page: "1" },
      },
      { page: "item_page", goal, content: { asin: two.asin, options: { color: "red" } } },
      { page: "done", goal, content: { asin: two.asin, options: { color: "red" } }, reward: 0.5 },
    ];
    writeFileSync(file, pages.map((page) => JSON.stringify(page)).join("\n"));
    assert.deepEqual(readHumanSession(file).actions, [
      "search[desk lamp]",
      `click[${two.asin.toLowerCase()}]`,
      "click[red]",
      "click[buy now]",
    ]);
    const made = importHumanSession(file, shop);
    assert.deepEqual(
      made.map(({ task, answer, from }) => [task, answer, from.reward]),
      [
        ["query", "desk lamp", 0.5],
        ["select", "2", 0.5],
      ],
    );
    assert.ok(made[1]!.messages[1]!.content.includes(two.title.slice(0, 10)));
    writeFileSync(file, '{"page":"index"}');
    assert.throws(() => readHumanSession(file), { name: "InputError", message: /Line 1 of .*"goal"/ });
  });

  it("are written by `aisle data demonstrations`, or nothing is", async function () {
    this.timeout(60_000);
    const [queries, session, out] = ["queries.json", "people.jsonl", "people-out.jsonl"].map((name) =>
      join(root, name),
    ) as [string, string, string];
    const goal = { instruction_text: "i want a lamp" };
    writeFileSync(queries, JSON.stringify({ "i want a mug": ["mug", " ", "red mug"] }));
    const pages = [
      { page: "index", goal },
      { page: "search_results", goal, content: { keywords: ["lamp"], search_result_asins: [], page: 1 } },
      { page: "done", goal, content: {}, reward: 1 },
    ];
    writeFileSync(session, pages.map((page) => JSON.stringify(page)).join("\n"));
    const verb = ["data", "demonstrations", "--out", out];
    const made = await aisle([...verb, "--queries", queries, "--session", session, "--json"]);
    assert.deepEqual([made.code, JSON.parse(made.stdout)], [0, { out, query: 3, select: 0 }], made.stderr);
    assert.deepEqual(
      readDemonstrations(out).map(({ answer }) => answer),
      ["mug", "red mug", "lamp"],
    );
    rmSync(out);
    const refused = await aisle([...verb, "--session", queries]);
    assert.deepEqual([refused.code, existsSync(out)], [2, false], refused.stderr);
    const nothing = await aisle(verb);
    assert.deepEqual([nothing.code, /--queries or --session/.test(nothing.stderr)], [2, true]);
  });

  it("are made of WebShop's own files", function () {
    if (!existsSync(REAL)) {
      process.stderr.write(
        `      skipped: there is no ${REAL} with a little of WebShop's data (AISLE_WEBSHOP_REAL names it)\n`,
      );
      this.skip();
    }
    const queries = importQueryMap(join(REAL, "goal_query_map.json"));
    assert.equal(queries.length, 2197);
    assert.equal(new Set(queries.map(({ messages }) => messages[1]!.content)).size, 1506);
    const logs = join(REAL, "human-logs");
    const sessions = readdirSync(logs).map((name) => readHumanSession(join(logs, name)));
    assert.equal(sessions.length, 5);
    for (const { actions, searches } of sessions) {
      assert.equal(actions.at(-1), "click[buy now]");
      assert.ok(searches.length > 0 && actions[0]!.startsWith("search["));
    }
    // Two searches, back between them, one product without options (session 20220427_1_12).
    const first = readHumanSession(join(logs, "20220427_1_12.jsonl"));
    assert.deepEqual(
      first.actions.map((action) => action.split("[")[0]),
      ["search", "click", "search", "click", "click"],
    );
    assert.equal(first.reward, 0.5);
  });
});
