import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { InputError } from "../../lib/base/index.js";
import { answerLine, OPERATIONS, serveLines, SessionStore } from "../../lib/serve/index.js";
import { openEnvironment } from "../../lib/simulator/index.js";
import { makeShop, type TestShop } from "./shop.js";

type Answer = Record<string, unknown> & {
  session: string;
  observation: string;
  actions: { search: boolean; click: string[] };
  error: string;
};

/** Bytes on the heap after everything unused is gone. */
function heapInUse(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

describe("serve: sessions", () => {
  let shop: TestShop;
  before(async function () {
    this.timeout(60_000);
    shop = await makeShop();
  });
  after(() => shop.remove());

  const storeWith = (options = {}): SessionStore => new SessionStore(shop.catalogue, options);
  const ask = (store: SessionStore, request: unknown): Answer =>
    JSON.parse(answerLine(store, JSON.stringify(request))) as Answer;

  it("are opened, stepped, cloned and closed by lines of JSON", () => {
    const store = storeWith();
    const start = ask(store, { op: "reset", goal: 3, mode: "text" });
    const shopItself = openEnvironment(shop.catalogue);
    let state = shopItself.reset({ goal: 3 });
    assert.deepEqual(start, {
      session: "s1",
      observation: shopItself.observe(state),
      actions: { search: true, click: ["search"] },
      instruction: shop.catalogue.goal(3).instruction,
    });
    const words = "search[shoes]";
    const results = ask(store, { op: "step", session: "s1", action: words, id: "a" });
    state = shopItself.step(state, words).state;
    assert.deepEqual(results, {
      id: "a",
      observation: shopItself.observe(state),
      actions: shopItself.actions(state),
      reward: 0,
      done: false,
      valid: true,
    });
    const copy = ask(store, { op: "clone", session: "s1" }).session;
    ask(store, { op: "step", session: copy, action: `click[${results.actions.click[2]}]` });
    const bought = ask(store, { op: "step", session: copy, action: "click[buy now]" });
    assert.equal(bought["done"], true);
    const parts = bought["parts"] as Record<string, number>;
    assert.equal(parts["total"], bought["reward"]);
    assert.deepEqual(Object.keys(parts).slice(0, 5), ["total", "r_type", "r_att", "r_option", "r_price"]);
    const there = ask(store, { op: "info", session: "s1" });
    assert.deepEqual([there["page"], there["steps"], there["done"]], ["results", 1, false]);
    assert.equal(ask(store, { op: "info" })["sessions"], 2);
    assert.deepEqual(ask(store, { op: "close", session: "s1" }), { closed: true });
    assert.match(ask(store, { op: "step", session: "s1", action: words }).error, /no session "s1"/);
    assert.equal(store.size, 1);
  });

  it("take an environment's settings by their names", () => {
    const store = storeWith();
    const given = { mode: "url", name: "me", previous_actions: 1, compat: "fixed", show_attributes: true };
    const { session, observation, actions } = ask(store, {
      op: "reset",
      goal: 0,
      ...given,
      instruction: "buy",
    });
    assert.equal(observation, "http://127.0.0.1:3000/me");
    assert.deepEqual(actions.click, []);
    const next = ask(store, { op: "step", session, action: "Search[a b]" });
    assert.equal(next.observation, "Search[a b] [SEP] http://127.0.0.1:3000/search_results/me/a+b/1");
    assert.equal(ask(store, { op: "info", session })["instruction"], "buy");
  });

  it("answer every mistake with a sentence", () => {
    const store = storeWith({ maxSessions: 1 });
    const wrong: [unknown, RegExp][] = [
      [{ op: "fly" }, /"op" must be one of reset, step/],
      [{ op: "toString" }, /"op" must be/],
      [{ op: "reset" }, /"goal"/],
      [{ op: "reset", goal: -1 }, /"goal"/],
      [{ op: "reset", goal: 1.5 }, /"goal"/],
      [{ op: "reset", goal: 1e9 }, /no goal 1000000000/],
      [{ op: "reset", goal: 0, mode: "x" }, /"mode"/],
      [{ op: "reset", goal: 0, speed: 1 }, /speed/],
      [{ op: "reset", goal: 0, quirks: { nonsense: true } }, /no quirk "nonsense"/],
      [{ op: "step", session: "s9", action: "x" }, /no session "s9"/],
      [{ op: "step", session: "s1" }, /"action"|no session/],
      [[], /JSON object/],
      [null, /JSON object/],
      [7, /JSON object/],
    ];
    for (const [request, message] of wrong) assert.match(ask(store, request).error, message);
    assert.match(answerLine(store, '{"op":'), /not JSON/);
    assert.match(answerLine(store, "[".repeat(200_000)), /not JSON/);
    assert.equal(store.size, 0);
    ask(store, { op: "reset", goal: 0 });
    assert.match(ask(store, { op: "reset", goal: 0 }).error, /1 sessions are open/);
    assert.match(ask(store, { op: "clone", session: "s1" }).error, /1 sessions are open/);
  });

  it("never fail but with a sentence, whatever a line holds", () => {
    const store = storeWith();
    ask(store, { op: "reset", goal: 0 });
    const field = fc.oneof(fc.string(), fc.anything({ maxDepth: 1 }), fc.constantFrom("s1", 0, "text"));
    const request = fc.record(
      {
        op: fc.constantFrom(...Object.keys(OPERATIONS), "x"),
        session: field,
        goal: field,
        action: field,
        mode: field,
      },
      { requiredKeys: ["op"] },
    );
    const line = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json(),
      request.map((value) =>
        JSON.stringify(value, (_, v: unknown) => (typeof v === "bigint" ? String(v) : v)),
      ),
    );
    fc.assert(
      fc.property(line, (text) => {
        const answer = JSON.parse(answerLine(store, text)) as Answer;
        assert(typeof answer === "object" && answer !== null);
      }),
      { numRuns: 500 },
    );
  });

  it("are closed when idle for too long, the least used first", () => {
    let time = 0;
    const store = storeWith({ idleSeconds: 10, now: () => time });
    const one = ask(store, { op: "reset", goal: 0 }).session;
    time = 6;
    const two = ask(store, { op: "reset", goal: 1 }).session;
    ask(store, { op: "info", session: one });
    time = 15;
    assert.equal(store.closeIdle(), 0);
    time = 16;
    assert.equal(store.closeIdle(), 2);
    const three = ask(store, { op: "reset", goal: 1 }).session;
    time = 25;
    ask(store, { op: "step", session: three, action: "search[x]" });
    time = 30;
    assert.equal(store.size, 1);
    assert.match(ask(store, { op: "info", session: two }).error, /no session/);
    time = 36;
    assert.equal(ask(store, { op: "info" })["sessions"], 1);
    assert.throws(() => store.get(three), InputError);
  });

  it("take at most 10 kB each when idle, in the middle of an episode", function () {
    this.timeout(60_000);
    const store = storeWith();
    const visit = (goal: number): void => {
      const { session } = ask(store, { op: "reset", goal });
      const { actions } = ask(store, {
        op: "step",
        session,
        action: `search[${shop.catalogue.goal(goal).query} ${goal}]`,
      });
      ask(store, { op: "step", session, action: `click[${actions.click[2]}]` });
      ask(store, { op: "step", session, action: "click[features]" });
    };
    const goals = shop.catalogue.goalCount;
    for (let i = 0; i < 500; i++) visit(i % goals); // fills the shared caches
    const before = heapInUse();
    for (let i = 0; i < 1000; i++) visit(i % goals);
    const each = (heapInUse() - before) / 1000;
    assert.equal(store.size, 1500);
    assert(each < 10_000, `${Math.round(each)} bytes a session`);
  });

  it("leave nothing behind: a thousand at a time, interleaved, over and over", function () {
    this.timeout(60_000);
    const store = storeWith();
    const goals = shop.catalogue.goalCount;
    const round = (): number => {
      let total = 0;
      const ids = Array.from(
        { length: 1000 },
        (_, i) => ask(store, { op: "reset", goal: i % goals }).session,
      );
      const clicks = ids.map((session, i) => {
        const action = `search[${shop.catalogue.goal(i % goals).query}]`;
        return ask(store, { op: "step", session, action }).actions.click[2];
      });
      ids.forEach((session, i) => ask(store, { op: "step", session, action: `click[${clicks[i]}]` }));
      for (const session of ids)
        total += Number(ask(store, { op: "step", session, action: "click[buy now]" })["reward"]);
      for (const session of ids) ask(store, { op: "close", session });
      return total;
    };
    const total = round();
    round();
    const before = heapInUse();
    for (let i = 0; i < 4; i++) assert.equal(round(), total);
    const grown = heapInUse() - before;
    assert.equal(store.size, 0);
    assert(grown < 1_000_000, `${Math.round(grown / 1000)} kB more after 4,000 sessions`);
  });

  it("read lines however they are cut, and refuse those that are too long", async () => {
    const store = storeWith();
    const input = new PassThrough();
    const output = new PassThrough();
    const served = serveLines(store, input, output, { maxBytes: 200 });
    const text =
      `{"op":"reset","goal":0,"instruction":"é"}\n\n${"x".repeat(1000)}\r\n{"op":"info"}\n` +
      `{"op":"close","session":"s1"}`;
    for (const byte of Buffer.from(text)) input.write(Buffer.of(byte));
    input.end();
    await served;
    output.end();
    const lines = Buffer.concat((await output.toArray()) as Buffer[])
      .toString()
      .trimEnd()
      .split("\n");
    assert.equal(lines.length, 4);
    assert.match(lines[0]!, /"instruction":"é"/);
    assert.match(lines[1]!, /longer than 200 bytes/);
    assert.match(lines[2]!, /"sessions":1/);
    assert.equal(lines[3], '{"closed":true}');
  });

  it("end when the reader goes away", async () => {
    const input = new PassThrough();
    const output = new PassThrough();
    const served = serveLines(storeWith(), input, output);
    input.write('{"op":"info"}\n');
    await new Promise((resolve) => output.once("readable", resolve));
    output.destroy(new Error("EPIPE"));
    await served;
  });
});
