import assert from "node:assert/strict";
import fc from "fast-check";
import { InputError } from "../../lib/base/index.js";
import {
  openEnvironment,
  WEBSHOP_QUIRKS,
  type Environment,
  type EnvironmentSettings,
  type SessionState,
  type StepResult,
} from "../../lib/simulator/index.js";
import { tinyGoal, tinyProduct, TinyCatalogue } from "./tiny.js";

const shoe = tinyProduct({
  asin: "B000000007",
  title: "Womens Running Shoes Red",
  pricing: [9.49, 14.98],
  priceLabel: "$9.49 to $14.98",
  options: [
    { name: "size", values: ["7  |  wide", '8"', "red"] },
    { name: "color", values: ["red", "navy blue"] },
  ],
});
const others = Array.from({ length: 60 }, (_, i) =>
  tinyProduct({
    asin: `B1000000${String(i).padStart(2, "0")}`,
    title: `Canvas Thing ${i}`,
    category: i % 2 ? "garden" : "fashion",
    query: `query ${i % 3}`,
    attributes: [`a${i % 4}`],
  }),
);
const catalogue = new TinyCatalogue(
  [shoe, ...others],
  [
    tinyGoal(shoe, { instruction: "i need <red> shoes", options: ["red"], attributes: ["rubber sole"] }),
    tinyGoal(others[3]!, { index: 1 }),
  ],
);
const open = (settings: Partial<EnvironmentSettings> = {}): Environment =>
  openEnvironment(catalogue, settings);

/** Plays actions from the start of goal 0 and returns the last step. */
function play(shop: Environment, ...actions: readonly string[]): StepResult {
  let state = shop.reset({ goal: 0, session: "abc" });
  let last: StepResult = { state, observation: shop.observe(state), reward: 0, done: false, valid: true };
  for (const action of actions) {
    last = shop.step(state, action);
    state = last.state;
  }
  return last;
}

const SEARCH = "search[womens running]";
const ITEM = "click[b000000007]";
const url = (...actions: readonly string[]): string => play(open({ mode: "url" }), ...actions).observation;

describe("simulator: pages", () => {
  it("have WebShop's addresses", () => {
    const base = "http://127.0.0.1:3000";
    assert.equal(url(), `${base}/abc`);
    assert.equal(url(SEARCH), `${base}/search_results/abc/womens+running/1`);
    assert.equal(url(SEARCH, "click[Next >]"), `${base}/search_results/abc/womens+running/2`);
    assert.equal(url(SEARCH, ITEM), `${base}/item_page/abc/B000000007/womens+running/1/{}`);
    const chosen = [SEARCH, ITEM, "click[red]", 'click[8"]'];
    assert.equal(
      url(...chosen),
      `${base}/item_page/abc/B000000007/womens+running/1/{"color": "red", "size": "8\\""}`,
    );
    assert.equal(
      url(...chosen, "click[features]"),
      `${base}/item_sub_page/abc/B000000007/womens+running/1/Features/{'color': 'red', 'size': '8"'}`,
    );
    assert.equal(
      url(...chosen, "click[buy now]"),
      `${base}/done/abc/B000000007/{'color': 'red', 'size': '8"'}`,
    );
  });

  it("list what can be clicked, in WebShop's order", () => {
    const shop = open({ showAttributes: true });
    const actions = (...path: string[]): unknown => shop.actions(play(shop, ...path).state);
    assert.deepEqual(actions(), { search: true, click: ["search"] });
    const results = shop.actions(play(shop, "search[canvas]").state);
    assert.equal(results.search, false);
    assert.deepEqual(results.click.slice(0, 3), ["back to search", "next >", "b100000000"]);
    assert.equal(results.click.length, 12);
    assert.deepEqual(shop.actions(play(shop, "search[canvas]", "click[next >]").state).click.slice(0, 3), [
      "back to search",
      "< prev",
      "next >",
    ]);
    assert.deepEqual(actions(SEARCH, ITEM), {
      search: false,
      click: [
        "back to search",
        "< prev",
        "description",
        "features",
        "reviews",
        "attributes",
        "buy now",
        "7  |  wide",
        '8"',
        "red",
        "navy blue",
      ],
    });
    assert.deepEqual(actions(SEARCH, ITEM, "click[reviews]"), {
      search: false,
      click: ["back to search", "< prev"],
    });
    assert.deepEqual(actions(SEARCH, ITEM, "click[buy now]"), { search: false, click: [] });
    const hidden = open();
    assert(!hidden.actions(play(hidden, SEARCH, ITEM).state).click.includes("attributes"));
  });

  it("keep, reset and count what WebShop keeps, resets and counts", () => {
    const shop = open();
    const at = (...path: string[]): SessionState => play(shop, ...path).state;
    const item = [SEARCH, ITEM, "click[red]", "click[description]", "click[< prev]"];
    assert.deepEqual(at(...item).options, { color: "red" });
    assert.deepEqual(at(...item).counts, { search: 1, asin: 1, options: 1, Description: 1 });
    const back = at(...item, "click[< prev]");
    assert.equal(back.page, "results");
    assert.deepEqual([back.options, back.asin, back.pageNumber, back.counts["search"]], [{}, null, 1, 2]);
    assert.deepEqual(back.opened, ["B000000007"]);
    assert.deepEqual(at(SEARCH, "click[next >]", "click[next >]", "click[< prev]").pageNumber, 2);
    const start = at(...item, "click[back to search]");
    assert.deepEqual(
      [start.page, start.keywords, start.pageNumber, start.asin, start.opened, start.options, start.counts],
      ["search", null, null, null, [], {}, {}],
    );
    assert.deepEqual(at(SEARCH, ITEM, "click[red]", "click[navy blue]").options, { color: "navy blue" });
    assert.deepEqual(at(...item, "search[canvas]").options, {});
  });

  it("page past the end without end", () => {
    const shop = open();
    const many = play(shop, "search[canvas]", ...Array.from({ length: 6 }, () => "click[next >]"));
    assert.equal(many.state.pageNumber, 7);
    assert.match(many.observation, /Page 7 \(Total results: 50\) \[SEP\] < Prev \[SEP\] Next >$/);
    const fixed = open({ compat: "fixed" });
    const last = play(fixed, "search[canvas]", ...Array.from({ length: 9 }, () => "click[next >]"));
    assert.equal(last.state.pageNumber, 5);
    assert.equal(last.valid, false);
    assert.doesNotMatch(last.observation, /Next >/);
  });

  it("choose in the last group that has a value, or, mended, in the first that lacks it", () => {
    const path = [SEARCH, ITEM, "click[red]"];
    assert.deepEqual(play(open(), ...path).state.options, { color: "red" });
    const fixed = open({ quirks: { lastGroupWins: false } });
    assert.deepEqual(play(fixed, ...path).state.options, { size: "red" });
    assert.deepEqual(play(fixed, ...path, "click[red]").state.options, { size: "red", color: "red" });
    assert.deepEqual(play(fixed, ...path, "click[red]", "click[red]").state.options, {
      size: "red",
      color: "red",
    });
  });

  it("are mistaken by WebShop when the address holds another page's name", () => {
    const path = ["search[womens search_results]", ITEM, "click[< prev]"];
    const lost = play(open(), ...path);
    assert.equal(lost.state.pageNumber, 0);
    assert.match(lost.observation, /Page 0 \(Total results: \d+\) \[SEP\] Next >$/);
    assert.equal(play(open({ compat: "fixed" }), ...path).state.pageNumber, 1);
    const sub = ["search[womens item_page]", ITEM, "click[features]", "click[< prev]"];
    assert.equal(play(open(), ...sub).state.page, "results");
    assert.equal(play(open({ compat: "fixed" }), ...sub).state.page, "item");
  });

  it("end with the reward, after which a search goes on and clicks do nothing", () => {
    const shop = open();
    const done = play(shop, SEARCH, ITEM, "click[red]", "click[Buy Now]");
    assert.deepEqual([done.done, done.reward, done.valid, done.state.page], [true, 1, true, "done"]);
    assert.equal(done.parts?.total, 1);
    assert.equal(done.state.counts["purchase"], 1);
    const after = shop.step(done.state, "click[back to search]");
    assert.deepEqual([after.valid, after.done, after.reward, after.state.page], [false, false, 0, "done"]);
    const again = shop.step(after.state, "search[canvas]");
    assert.deepEqual([again.valid, again.done, again.reward, again.state.page], [true, false, 0, "results"]);
    const home = shop.step(again.state, "click[back to search]");
    assert.deepEqual([home.valid, home.done, home.reward, home.state.page], [true, false, 0, "search"]);
    const fixed = open({ compat: "fixed" });
    const end = play(fixed, SEARCH, ITEM, "click[buy now]", "search[canvas]");
    assert.deepEqual([end.valid, end.done, end.reward, end.state.page], [false, true, 0, "done"]);
    assert.deepEqual(fixed.actions(end.state), { search: false, click: [] });
  });

  it("do nothing for what cannot be followed", () => {
    const shop = open();
    const hopeless = [
      "click[search]",
      "click[buy now]",
      "Search[x]",
      "search[]",
      "think[x]",
      "",
      "click[b100000001]",
    ];
    for (const action of hopeless) {
      const result = play(shop, action);
      assert.equal(result.valid, false, action);
      assert.equal(result.observation, play(shop).observation);
      assert.deepEqual({ ...result.state, steps: 0 }, play(shop).state);
    }
    assert.equal(play(shop, "click[x]", "click[y]").state.steps, 2);
    assert.equal(play(shop, SEARCH, ITEM, "search[canvas]").valid, true);
    assert.equal(play(open({ compat: "fixed" }), SEARCH, ITEM, "search[canvas]").valid, false);
    assert.equal(play(open({ compat: "fixed" }), " SEARCH[Canvas [x]] ").valid, true);
  });
});

describe("simulator: special searches", () => {
  const total = (settings: Partial<EnvironmentSettings>, query: string): string | undefined =>
    /Total results: (\d+)/.exec(play(open(settings), `search[${query}]`).observation)?.[1];

  it("find categories and scraping queries in load order, beyond 50", () => {
    assert.equal(total({}, "<c> fashion"), "31");
    assert.equal(total({}, "<c> fashion and more"), "31");
    assert.equal(total({}, "<q> query 1"), "20");
    const shop = open();
    assert.equal(shop.actions(play(shop, "search[<c> fashion]").state).click[2], "b000000007");
    const big = openEnvironment(
      new TinyCatalogue([...others, ...others.map((p, i) => ({ ...p, asin: `C${i}` }))], catalogue.goals),
    );
    assert.match(big.step(big.reset({ goal: 0 }), "search[<c> garden]").observation, /Total results: 60/);
  });

  it("fail where WebShop's text environment raises, and work when mended", () => {
    assert.equal(total({}, "<a> a1"), undefined);
    assert.equal(total({}, "<c>"), undefined);
    assert.equal(total({ compat: "fixed" }, "<a> a1"), "15");
    assert.equal(total({ compat: "fixed" }, "<c>"), "0");
    const few = (compat: "webshop" | "fixed"): StepResult => {
      const shop = openEnvironment(new TinyCatalogue(others.slice(0, 9), catalogue.goals), { compat });
      return shop.step(shop.reset({ goal: 0 }), "search[<r>]");
    };
    assert.equal(few("webshop").valid, false);
    assert.match(few("fixed").observation, /Total results: 9/);
  });

  it("draw random products from the state alone", () => {
    const shop = open();
    const first = play(shop, "search[<r>]");
    assert.match(first.observation, /Total results: 50/);
    assert.equal(play(open(), "search[<r>]").observation, first.observation);
    const other = shop.step(shop.reset({ goal: 0, session: "xyz" }), "search[<r>]");
    assert.notEqual(other.observation, first.observation);
    assert.equal(shop.observe(shop.step(first.state, "nothing").state), first.observation);
    const asin = shop.actions(first.state).click[2]!;
    assert.equal(shop.step(first.state, `click[${asin}]`).state.asin, asin.toUpperCase());
  });
});

describe("simulator: the environment", () => {
  it("is a function of the state: steps can be repeated, branched and interleaved", () => {
    const shop = open();
    const state = play(shop, SEARCH).state;
    const one = shop.step(state, ITEM);
    const two = shop.step(state, "click[next >]");
    assert.deepEqual(shop.step(state, ITEM), one);
    assert.notDeepEqual(one.state, two.state);
    assert.equal(state.page, "results");
    assert(Object.isFrozen(one.state));
    assert.deepEqual(JSON.parse(JSON.stringify(one.state)), one.state); // a plain value
  });

  it("names sessions by their goal and shows another instruction on demand", () => {
    const shop = open({ mode: "url" });
    const state = shop.reset({ goal: 1, instruction: "buy me\na hat" });
    assert.equal(shop.observe(state), "http://127.0.0.1:3000/1");
    assert.equal(shop.observe(state, "text"), "WebShop [SEP] Instruction: [SEP] buy me\na hat [SEP] Search");
  });

  it("refuses settings, goals and modes that do not exist", () => {
    const refused: (() => unknown)[] = [
      () => open({ mode: "braille" as "text" }),
      () => open({ compat: "loose" as "fixed" }),
      () => open({ quirks: { nonsense: true } as Partial<typeof WEBSHOP_QUIRKS> }),
      () => open({ speed: 3 } as Partial<EnvironmentSettings>),
      () => open({ previousActions: -1 }),
      () => open().reset({ goal: 2 }),
      () => open().reset({ goal: 0.5 }),
      () => open().reset({ goal: NaN }),
      () => open().observe(open().reset({ goal: 0 }), "x" as "text"),
      () => openEnvironment(new TinyCatalogue([], [])).reset({ goal: 0 }),
    ];
    for (const attempt of refused) assert.throws(attempt, InputError);
    assert.equal(open({ mode: undefined } as Partial<EnvironmentSettings>).settings.mode, "text");
  });

  it("remembers as many observations and actions as it was asked to", () => {
    const shop = open({ mode: "url", previousObservations: 1, previousActions: 2 });
    const [start, results, item] = [url(), url(SEARCH), url(SEARCH, ITEM)];
    const join = (...parts: string[]): string => parts.join(" [SEP] ");
    assert.equal(play(shop).observation, start);
    assert.equal(play(shop, SEARCH).observation, join(start, SEARCH, results));
    assert.equal(play(shop, SEARCH, ITEM).observation, join(SEARCH, results, ITEM, item));
    assert.equal(play(shop, SEARCH, ITEM, "huh").observation, join(ITEM, item, "huh", item));
    const state = play(shop, SEARCH, ITEM, "huh", "hm").state;
    assert.equal(state.history.length, 2);
    assert.equal(shop.observe(state), join("huh", item, "hm", item));
  });

  it("never throws and never moves on nonsense", () => {
    const pieces = fc.constantFrom(
      "search[",
      "click[",
      "]",
      "[",
      "canvas",
      "red",
      "back to search",
      "next >",
      "< prev",
      "buy now",
      "b000000007",
      "description",
      "<r>",
      "<c>",
      "<a>",
      "<q>",
      " ",
      "\n",
      "\0",
      "\u2028",
      "item_page",
      "done",
      "+",
      "/",
      "\ud800",
    );
    const action = fc.oneof(
      fc.array(pieces, { maxLength: 6 }).map((parts) => parts.join("")),
      fc.constantFrom(
        SEARCH,
        ITEM,
        "click[next >]",
        "click[< prev]",
        "click[red]",
        "click[buy now]",
        "search[<r>]",
        "search[canvas]",
      ),
      fc.string({ unit: "binary" }),
    );
    const settings = fc.record({
      mode: fc.constantFrom("html", "text", "text_rich", "url"),
      compat: fc.constantFrom("webshop", "fixed"),
      showAttributes: fc.boolean(),
      previousObservations: fc.integer({ min: 0, max: 3 }),
      previousActions: fc.integer({ min: 0, max: 3 }),
    }) as fc.Arbitrary<Partial<EnvironmentSettings>>;
    fc.assert(
      fc.property(settings, fc.array(action, { maxLength: 12 }), (chosen, actions) => {
        const shop = open(chosen);
        let state = shop.reset({ goal: 0 });
        for (const text of actions) {
          const before = JSON.stringify(state);
          const result = shop.step(state, text);
          assert.equal(JSON.stringify(state), before);
          if (!result.valid) {
            const { steps, history } = state;
            assert.deepEqual({ ...result.state, steps, history }, state);
          }
          assert.equal(result.observation, shop.observe(result.state));
          assert(result.reward >= 0 && result.reward <= 1);
          for (const click of shop.actions(result.state).click) {
            if (click === "search" || click.includes("\n")) continue;
            assert(shop.step(result.state, `click[${click}]`).valid, click);
          }
          state = result.state;
        }
      }),
      { numRuns: 150 },
    );
  });

  it("lives with titles of ten megabytes, control characters and odd ASINs", () => {
    const huge = tinyProduct({ asin: "bé<>&\"'", title: `canvas \x01\x7f<b>&${"x ".repeat(5_000_000)}` });
    const shop = openEnvironment(new TinyCatalogue([huge], [tinyGoal(huge)]));
    const results = shop.step(shop.reset({ goal: 0 }), "search[canvas]");
    assert(results.observation.length > 9_000_000);
    const [, , asin] = shop.actions(results.state).click;
    const item = shop.step(results.state, `click[${asin}]`);
    assert.equal(item.valid, true);
    assert.match(shop.observe(item.state, "html").slice(0, 2000), /canvas \x01\x7f&lt;b&gt;&amp;x/);
    assert.equal(shop.step(item.state, "click[buy now]").done, true);
  });
});
