import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { PassThrough, Writable } from "node:stream";
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
    const s1 = start.session;
    const shopItself = openEnvironment(shop.catalogue);
    let state = shopItself.reset({ goal: 3 });
    assert.deepEqual(start, {
      session: s1,
      observation: shopItself.observe(state),
      actions: { search: true, click: ["search"] },
      instruction: shop.catalogue.goal(3).instruction,
    });
    const words = "search[shoes]";
    const results = ask(store, { op: "step", session: s1, action: words, id: "a" });
    state = shopItself.step(state, words).state;
    assert.deepEqual(results, {
      id: "a",
      observation: shopItself.observe(state),
      actions: shopItself.actions(state),
      reward: 0,
      done: false,
      valid: true,
    });
    const copy = ask(store, { op: "clone", session: s1 }).session;
    ask(store, { op: "step", session: copy, action: `click[${results.actions.click[2]}]` });
    const bought = ask(store, { op: "step", session: copy, action: "click[buy now]" });
    assert.equal(bought["done"], true);
    const parts = bought["parts"] as Record<string, number>;
    assert.equal(parts["total"], bought["reward"]);
    assert.deepEqual(Object.keys(parts).slice(0, 5), ["total", "r_type", "r_att", "r_option", "r_price"]);
    const there = ask(store, { op: "info", session: s1 });
    assert.deepEqual([there["page"], there["steps"], there["done"]], ["results", 1, false]);
    assert.equal(ask(store, { op: "info" })["sessions"], 2);
    assert.deepEqual(ask(store, { op: "close", session: s1 }), { closed: true });
    assert.match(ask(store, { op: "step", session: s1, action: words }).error, /no session "[0-9a-f-]{36}"/);
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
      [{ op: "reset", goal: 0, quirks: { toString: true } }, /no quirk "toString"/],
      [{ op: "reset", goal: 0, instruction: "x".repeat(10_001) }, /"instruction".*10000/],
      [{ op: "step", session: "s9", action: "x".repeat(10_001) }, /"action".*10000/],
      [{ op: "step", session: "s9", action: "x" }, /no session "s9"/],
      [{ op: "step", session: "s1" }, /"action"|no session/],
      [[], /JSON object/],
      [null, /JSON object/],
      [7, /JSON object/],
    ];
    for (const [request, message] of wrong) assert.match(ask(store, request).error, message);
    for (const odd of ['"quirks":{"__proto__":true}', '"__proto__":1', '"quirks":{"constructor":true}']) {
      assert.match(answerLine(store, `{"op":"reset","goal":0,${odd}}`), /error/);
    }
    assert.match(answerLine(store, '{"op":'), /not JSON/);
    assert.match(answerLine(store, "[".repeat(200_000)), /not JSON/);
    assert.equal(store.size, 0);
    const { session } = ask(store, { op: "reset", goal: 0 });
    assert.match(ask(store, { op: "reset", goal: 0 }).error, /1 sessions are open/);
    assert.match(ask(store, { op: "clone", session }).error, /1 sessions are open/);
  });

  it("never fail but with a sentence, whatever a line holds", () => {
    const store = storeWith();
    const { session } = ask(store, { op: "reset", goal: 0 });
    const field = fc.oneof(fc.string(), fc.anything({ maxDepth: 1 }), fc.constantFrom(session, 0, "text"));
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

  it("have names that nobody can guess", () => {
    const store = storeWith();
    const names = Array.from({ length: 200 }, () => ask(store, { op: "reset", goal: 0 }).session);
    for (const name of names)
      assert.match(name, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(new Set(names.map((name) => name.slice(0, 8))).size, 200);
  });

  it("are refused when together they would hold more bytes than they may", () => {
    const store = storeWith({ maxMemory: 300_000 });
    const long = { op: "reset", goal: 0, instruction: "x".repeat(10_000) };
    const open: string[] = [];
    for (;;) {
      const { session, error } = ask(store, long);
      if (error !== undefined) {
        assert.match(error, /hold \d+ of the 300000 bytes.*--max-memory/);
        break;
      }
      open.push(session);
    }
    assert(open.length > 5 && open.length < 15, String(open.length));
    assert(store.bytes > 250_000 && store.bytes <= 300_000);
    assert.match(ask(store, { op: "clone", session: open[0]! }).error, /close some/);
    // A step that would keep more is refused as well, and the session stays where it was.
    const step = { op: "step", session: open[0]!, action: `search[${"y ".repeat(4990)}]` };
    assert.match(ask(store, step).error, /close some/);
    assert.equal(ask(store, { op: "info", session: open[0]! })["steps"], 0);
    for (const session of open.slice(1)) ask(store, { op: "close", session });
    assert.equal(ask(store, step).error, undefined);
    assert.equal(ask(store, { op: "info", session: open[0]! })["steps"], 1);
    ask(store, { op: "close", session: open[0]! });
    assert.equal(store.bytes, 0);
  });

  it("count no fewer bytes than they take", function () {
    this.timeout(60_000);
    const store = storeWith({ maxMemory: 1e9 });
    const settings = {
      op: "reset",
      previous_observations: 20,
      previous_actions: 20,
      instruction: "é".repeat(3000),
    };
    const visit = (goal: number): void => {
      const { session } = ask(store, { ...settings, goal });
      for (let i = 0; i < 4; i++)
        ask(store, { op: "step", session, action: `search[${"word ".repeat(300)}${goal} ${i}]` });
    };
    for (let i = 0; i < 20; i++) visit(i % shop.catalogue.goalCount);
    const [heap, counted] = [heapInUse(), store.bytes];
    for (let i = 20; i < 220; i++) visit(i % shop.catalogue.goalCount);
    const [taken, said] = [heapInUse() - heap, store.bytes - counted];
    assert(taken < said, `${taken} taken, ${said} counted`);
    assert(said < 10 * taken, `${taken} taken, ${said} counted`);
  });

  it("get no answer that is longer than allowed, and then stay where they were", () => {
    const store = storeWith({ maxAnswer: 30_000 });
    const { session } = ask(store, {
      op: "reset",
      goal: 0,
      previous_observations: 100,
      instruction: "z".repeat(5000),
    });
    let taken = 0;
    let error: string | undefined;
    while (error === undefined && taken < 20) {
      const line = answerLine(store, JSON.stringify({ op: "step", session, action: "search[shoes]" }));
      assert(Buffer.byteLength(line) <= 30_100);
      error = (JSON.parse(line) as Answer).error;
      if (error === undefined) taken++;
    }
    assert.match(error ?? "", /more than the 30000 allowed.*previous_observations.*--max-answer/);
    assert(taken >= 2);
    assert.equal(ask(store, { op: "info", session })["steps"], taken);
    // Where even the first page is too long, no session is opened.
    assert.match(ask(store, { op: "reset", goal: 0, instruction: "\u0001".repeat(9000) }).error, /allowed/);
    assert.equal(store.size, 1);
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
      `{"op":"reset","goal":0,"instruction":"é"}\n\n${"x".repeat(1000)}\r\n{"op":"info"}\n` + `{"op":"info"}`;
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
    assert.match(lines[3]!, /"sessions":1/);
  });

  it("write answers while lines are read, not after a thousand of them", async () => {
    const store = storeWith();
    const { session } = ask(store, { op: "reset", goal: 0, mode: "html", instruction: "w".repeat(8000) });
    const input = new PassThrough();
    const sizes: number[] = [];
    const output = new Writable({
      write(chunk: Buffer, _encoding, done) {
        sizes.push(chunk.length);
        setImmediate(done);
      },
    });
    const line = `{"op":"step","session":"${session}","action":"search[shoes]"}\n`;
    input.end(line.repeat(600)); // one piece of 45 kB, for 6 MB of answers
    await serveLines(store, input, output);
    assert(sizes.reduce((sum, size) => sum + size, 0) > 4e6);
    assert(Math.max(...sizes) < 400_000, String(Math.max(...sizes)));
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
