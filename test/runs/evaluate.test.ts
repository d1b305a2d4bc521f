import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Agent } from "../../lib/agents/index.js";
import { InputError } from "../../lib/base/index.js";
import {
  ACTIONS_FILE,
  canonicalJson,
  everyRecord,
  keepAsEvidence,
  readProvenance,
  readRecord,
  recordsWhere,
  type RunRecord,
  sha256,
  summarize,
} from "../../lib/records/index.js";
import { evaluate } from "../../lib/runs/index.js";
import { fakeAgent, fakeEnvironment } from "./fakes.js";

describe("evaluation and run records", () => {
  let runs: string;
  const environment = fakeEnvironment();
  const goals = { first: 0, count: 10 };
  beforeEach(() => {
    runs = mkdtempSync(join(tmpdir(), "aisle-runs-"));
  });
  afterEach(() => rmSync(runs, { recursive: true, force: true }));

  it("plays once, then reads: the same bytes, untouched", async () => {
    const agent = fakeAgent();
    const first = await evaluate({ agent, environment, split: "test", goals, runs });
    assert.equal(first.outcome, "new");
    assert.equal(agent.played, 10);
    const file = join(first.record.path, "record.json");
    const bytes = readFileSync(file);
    const { mtimeMs } = statSync(file);

    const second = await evaluate({ agent, environment, split: "test", goals, runs });
    assert.equal(second.outcome, "read");
    assert.equal(agent.played, 10);
    assert.deepEqual(second.summary, first.summary);

    const forced = await evaluate({ agent, environment, split: "test", goals, runs, force: true });
    assert.equal(forced.outcome, "same");
    assert.equal(agent.played, 20);
    assert.deepEqual(readFileSync(file), bytes);
    assert.equal(statSync(file).mtimeMs, mtimeMs);
    assert.deepEqual(readdirSync(runs), [first.record.id]); // no part left behind
  });

  it("writes the same bytes in another place; only provenance may differ", async () => {
    const other = mkdtempSync(join(tmpdir(), "aisle-runs-"));
    try {
      const here = await evaluate({ agent: fakeAgent(), environment, split: "test", goals, runs });
      const there = await evaluate({ agent: fakeAgent(), environment, split: "test", goals, runs: other });
      const bytes = (path: string): string => readFileSync(join(path, "record.json"), "utf8");
      assert.equal(bytes(here.record.path), bytes(there.record.path));
      assert.doesNotMatch(bytes(here.record.path), /aisle-runs|seconds|commit|20\d\d-\d\d/);
      const { node, tagger } = readProvenance(here.record.path)!;
      assert.equal(node, process.versions.node);
      assert.equal(tagger, environment.tagger);
    } finally {
      rmSync(other, { recursive: true, force: true });
    }
  });

  it("keys a record by agent, settings, data, goals and seeds", async () => {
    const ids = new Set<string>();
    const add = async (over: Partial<Parameters<typeof evaluate>[0]>): Promise<void> => {
      const base = { agent: fakeAgent(), environment, split: "test" as const, goals, runs };
      const { record, outcome } = await evaluate({ ...base, ...over });
      assert.equal(outcome, "new");
      ids.add(record.id);
    };
    await add({});
    await add({ agent: fakeAgent("other") });
    await add({ agent: fakeAgent("fake", { window: 3 }) });
    await add({ environment: fakeEnvironment(12, "fake-2") });
    await add({ goals: { first: 0, count: 9 } });
    await add({ seeds: [1] });
    await add({ split: "dev" });
    await add({
      agent: Object.assign(fakeAgent(), { model: { name: "m", fingerprint: "f", backend: "wasm" } }),
    });
    assert.equal(ids.size, 8);
    assert.equal(
      recordsWhere({ agent: "fake", split: "test", data: "fake-1", goalCount: 10 }, runs).length,
      4,
    );
    assert.equal(recordsWhere({ seeds: [1] }, runs).length, 1);
    assert.equal(recordsWhere({ seeds: [0, 1] }, runs).length, 0);
  });

  it("sums up score, success and parts; a goal without options or a purchase counts as it should", async () => {
    const { summary, record } = await evaluate({
      agent: fakeAgent(),
      environment,
      split: "test",
      goals,
      runs,
      seeds: [3, 7],
    });
    const { results } = record;
    assert.equal(results.length, 20);
    const average = (xs: number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;
    const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-9, `${a} is not ${b}`);
    near(summary.score.value, 100 * average(results.map((r) => r.reward)));
    near(summary.successRate.value, 100 * average(results.map((r) => Number(r.reward === 1))));
    near(summary.parts.rPrice.value, 0.8); // two of ten goals are never bought
    near(
      summary.parts.rOption.value,
      average(results.flatMap((r) => (r.rOption === null ? [] : [r.rOption]))),
    );
    assert.equal(results.filter((r) => r.rOption === null).length, 8); // goals 0, 3, 6, 9 name no option
    assert.ok(summary.score.lo < summary.score.value && summary.score.value < summary.score.hi);
    assert.deepEqual(summary.seeds, [3, 7]);
    assert.deepEqual(summarize(results), summary);
  });

  it("refuses goals that the shop does not have, and seeds given twice", async () => {
    const base = { agent: fakeAgent(), environment, split: "test" as const, goals, runs };
    await assert.rejects(evaluate({ ...base, goals: { first: 0, count: 13 } }), InputError);
    await assert.rejects(evaluate({ ...base, goals: { first: 0, count: 0 } }), InputError);
    await assert.rejects(evaluate({ ...base, seeds: [1, 1] }), InputError);
    assert.deepEqual(readdirSync(runs), []);
  });

  it("leaves nothing behind when an agent fails", async () => {
    const agent = { ...fakeAgent(), play: () => Promise.reject(new Error("no battery")) };
    await assert.rejects(evaluate({ agent, environment, split: "test", goals, runs }), /no battery/);
    assert.deepEqual(readdirSync(runs), []);
  });

  it("goes on where an interrupted evaluation stopped, with the same record in the end", async () => {
    const other = join(runs, "undisturbed");
    const common = { environment, split: "test" as const, goals, seeds: [0, 1] };
    const { record: expected } = await evaluate({ ...common, agent: fakeAgent(), runs: other });
    // What an interruption leaves: 13 finished episodes, and a line cut off in the middle.
    const folder = join(runs, ".unfinished");
    const path = join(folder, `${expected.id}.jsonl`);
    const stopped = fakeAgent();
    const play = stopped.play.bind(stopped);
    const interrupted: Agent = {
      ...stopped,
      play: (...how) => (stopped.played === 13 ? Promise.reject(new Error("stop")) : play(...how)),
    };
    await assert.rejects(evaluate({ ...common, agent: interrupted, runs }), /stop/);
    const left = readFileSync(path, "utf8").trim().split("\n");
    assert.equal(left.length, 13);
    writeFileSync(path, `${left.join("\n")}\n${left[3]!.slice(0, 60)}`);
    const agent = fakeAgent();
    const { record } = await evaluate({ ...common, agent, runs });
    assert.equal(agent.played, 7);
    const same = ({ path: made }: RunRecord): void => {
      for (const file of ["record.json", ACTIONS_FILE])
        assert.deepEqual(readFileSync(join(made, file)), readFileSync(join(expected.path, file)));
    };
    same(record);
    assert.ok(!existsSync(folder));

    // The order of the lines is the order in which episodes ended; what is no episode of this evaluation, or was altered, is dropped.
    mkdirSync(folder);
    interface Line {
      readonly row: number[];
      readonly episode: object;
    }
    const [first, second] = left.slice(0, 2).map((line) => JSON.parse(line) as Line);
    const noted = (row: readonly number[], episode: object): string =>
      JSON.stringify({ row, episode, sum: sha256(`${expected.id} ${JSON.stringify([row, episode])}`) });
    assert.equal(noted(first!.row, first!.episode), left[0]);
    const [, , ...rest] = first!.row;
    const changed = left[1]!.replace(",1,3,", ",1,4,"); // another number of steps
    assert.notEqual(changed, left[1]);
    const strange = [
      noted([7, 3, ...rest], { ...first!.episode, seed: 7, goal: 3 }),
      noted([0, 99, ...rest], { ...first!.episode, goal: 99 }),
      noted(first!.row, second!.episode),
      noted(second!.row, { ...second!.episode, reward: 0.123 }),
      changed,
      left[2]!.slice(13),
      JSON.stringify(first!.row), // as lines were before actions were kept
      "{}",
      "",
    ];
    writeFileSync(path, [...left.slice(4).reverse(), left[6], ...strange].join("\n"));
    rmSync(record.path, { recursive: true });
    const again = fakeAgent();
    const { record: third } = await evaluate({ ...common, agent: again, runs });
    assert.equal(again.played, 11); // 20 without the 9 that were there
    same(third);
  });

  it("loses no finished episode to a failure", async () => {
    const quick = fakeAgent();
    const play = quick.play.bind(quick);
    const failing: Agent = {
      ...quick,
      play: (environment, goal, random) =>
        goal === 6 ? Promise.reject(new Error("no battery")) : play(environment, goal, random),
    };
    await assert.rejects(evaluate({ agent: failing, environment, split: "test", goals, runs }), /no battery/);
    const agent = fakeAgent();
    const { record } = await evaluate({ agent, environment, split: "test", goals, runs });
    assert.equal(agent.played, 4); // goals 6 to 9
    assert.deepEqual(readdirSync(runs), [record.id]);
  });

  it("notes finished episodes while a slow evaluation runs", async () => {
    const fake = fakeAgent();
    const quick = fake.play.bind(fake);
    let noted = 0;
    const slow: Agent = {
      ...fake,
      async play(environment, goal, random) {
        await new Promise((resolve) => setTimeout(resolve, goal === 3 ? 2100 : 0));
        if (goal === 6) {
          const [file] = readdirSync(join(runs, ".unfinished"));
          noted = readFileSync(join(runs, ".unfinished", file!), "utf8")
            .trim()
            .split("\n").length;
        }
        return quick(environment, goal, random);
      },
    };
    const { record } = await evaluate({ agent: slow, environment, split: "test", goals, runs });
    assert.equal(noted, 4); // goals 0 to 3, after two seconds
    assert.deepEqual(readdirSync(runs), [record.id]);
  });

  it("ends at an interruption what was begun, keeps it, and goes on from there", async () => {
    const [controller, quick] = [new AbortController(), fakeAgent()];
    const play = quick.play.bind(quick);
    const slow: Agent = {
      ...quick,
      remote: { concurrency: 3 },
      async play(environment, goal, random) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        if (goal === 4) controller.abort();
        return play(environment, goal, random);
      },
    };
    const common = { environment, split: "test" as const, goals, runs };
    await assert.rejects(evaluate({ ...common, agent: slow, signal: controller.signal }), {
      name: "RunError",
      message: /^Interrupted after [567] of 10 episodes; the same command goes on from there\.$/,
    });
    const [file] = readdirSync(join(runs, ".unfinished"));
    const kept = readFileSync(join(runs, ".unfinished", file!), "utf8")
      .trim()
      .split("\n").length;
    assert.ok(kept >= 5 && kept <= 7, `${kept} episodes`);
    const agent = fakeAgent();
    const { record } = await evaluate({ ...common, agent });
    assert.equal(agent.played, 10 - kept);
    const other = await evaluate({ ...common, agent: fakeAgent(), runs: join(runs, "undisturbed") });
    assert.deepEqual(record.results, other.record.results);
  });

  it("notes each finished episode of a remote model at once, several in flight, and counts its tokens", async () => {
    let [inFlight, most] = [0, 0];
    const fake = fakeAgent();
    const play = fake.play.bind(fake);
    const remote: Agent = {
      ...fake,
      remote: { concurrency: 4 },
      async play(environment, goal, random) {
        most = Math.max(most, ++inFlight);
        await new Promise((resolve) => setTimeout(resolve, (10 - goal) * 3)); // they end in another order
        inFlight -= 1;
        const trajectory = await play(environment, goal, random);
        const usage = { requests: 2, promptTokens: 100 + goal, completionTokens: 5 };
        if (goal === 0) {
          const noted = readFileSync(
            join(runs, ".unfinished", readdirSync(join(runs, ".unfinished"))[0]!),
            "utf8",
          );
          assert.ok(noted.trim().split("\n").length >= 2);
        }
        return { ...trajectory, usage };
      },
    };
    const price = { prompt: 2, completion: 10 };
    const common = { agent: remote, environment, split: "test" as const, goals, runs };
    const { record, cost } = await evaluate({ ...common, price });
    assert.equal(most, 4);
    assert.deepEqual(
      record.results.map(({ goal, usage }) => [goal, usage?.promptTokens]),
      Array.from({ length: 10 }, (_, goal) => [goal, 100 + goal]),
    );
    const expected = { requests: 20, promptTokens: 1045, completionTokens: 50, price, dollars: 0.00259 };
    assert.deepEqual(cost, expected);
    const read = await evaluate(common);
    assert.deepEqual([read.outcome, read.cost], ["read", expected]);
    const dearer = await evaluate({ ...common, price: { prompt: 4, completion: 20 } });
    assert.deepEqual([dearer.outcome, dearer.cost?.dollars], ["read", 0.00518]);
  });

  it("says why a record cannot be written, and leaves no part of it", async () => {
    writeFileSync(join(runs, "file"), "");
    const inside = join(runs, "file", "runs"); // a file where a folder should be
    await assert.rejects(evaluate({ agent: fakeAgent(), environment, split: "test", goals, runs: inside }), {
      name: "RunError",
      message: /Could not write the folder .*: (a part of its path is not a folder|.*exist)/,
    });
    assert.deepEqual(readdirSync(runs), ["file"]);
  });

  it("refuses a record that is not what it claims to be", async () => {
    const { record } = await evaluate({ agent: fakeAgent(), environment, split: "test", goals, runs });
    const file = join(record.path, "record.json");
    const good = readFileSync(file, "utf8");
    const spoilt: [RegExp, (text: string) => string][] = [
      [/key does not belong/, (text) => text.replace("fake-1", "fake-2")],
      [/key does not belong/, (text) => text.replace('"count": 10', '"count": 9')],
      [
        /9 results instead of 10/,
        (text) => text.replace(/\n {6}\[0,9,.*\n/, "\n").replace(/,\n {4}\]/, "\n    ]"),
      ],
      [/not in \[0, 1\]/, (text) => text.replace(/\[0,0,[\d.]+,/, "[0,0,1.5,")],
      [/should be goal 0/, (text) => text.replace("[0,0,", "[0,1,")],
      [/is not JSON/, (text) => text.slice(0, text.length / 2)],
      [/Unrecognized key/, (text) => text.replace('"format"', '"note": "hi", "format"')],
      [/reward although nothing was bought/, (text) => text.replace(/\[0,4,0,0/, "[0,4,0.5,0")],
      [
        /row 1 of its results has the reward 0.75, and its parts give (0.1|0.5|1)\./,
        (text) => text.replace(/\[0,0,[\d.]+,/, "[0,0,0.75,"),
      ],
      [/its seal does not belong/, (text) => text.replace("[0,4,0,0,2,", "[0,4,0,0,3,")],
      [
        /its seal does not belong/,
        (text) => text.replace(/"seal": "./, (head) => `${head.slice(0, -1)}${head.endsWith("0") ? 1 : 0}`),
      ],
      [/seal: /, (text) => text.replace(/ {2}"seal".*\n/, "")],
      [/format: is of another version/, (text) => text.replace('"format": 2', '"format": 1')],
    ];
    for (const [why, spoil] of spoilt) {
      const text = spoil(good);
      assert.notEqual(text, good);
      writeFileSync(file, text);
      assert.throws(() => readRecord(record.path), { name: "InputError", message: why });
      assert.throws(() => recordsWhere({}, runs), InputError);
      await assert.rejects(
        evaluate({ agent: fakeAgent(), environment, split: "test", goals, runs }),
        InputError,
        "a spoilt record must not be used or overwritten silently",
      );
    }
    writeFileSync(file, good);
    cpSync(record.path, join(runs, "renamed"), { recursive: true });
    assert.throws(() => readRecord(join(runs, "renamed")), /should be named/);
  });
});

describe("records of one's own and committed ones", () => {
  const goals = { first: 0, count: 10 };
  const environment = fakeEnvironment();
  const common = { environment, split: "test" as const, goals };
  let root: string;
  const before = process.cwd();
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "aisle-places-"));
    process.chdir(root);
  });
  afterEach(() => {
    process.chdir(before);
    rmSync(root, { recursive: true, force: true });
  });

  it("are read together: one's own go to runs, and a committed one is not played again", async () => {
    const committed = await evaluate({ ...common, agent: fakeAgent(), runs: "data/runs" });
    const agent = fakeAgent();
    const read = await evaluate({ ...common, agent });
    assert.deepEqual([read.outcome, agent.played, read.record.path], ["read", 0, committed.record.path]);
    const forced = await evaluate({ ...common, agent, force: true });
    assert.deepEqual([forced.outcome, agent.played], ["same", 10]);
    assert.ok(!existsSync("runs"), "a result that is committed already is not written twice");
    const own = await evaluate({ ...common, agent: fakeAgent("other") });
    assert.equal(own.record.path, join("runs", own.record.id));
    assert.deepEqual(
      recordsWhere().map(({ identity }) => identity.agent.name),
      ["fake", "other"],
    );
    assert.deepEqual(
      recordsWhere({}, "data/runs").map(({ identity }) => identity.agent.name),
      ["fake"],
      "what tables are made from is the committed evidence alone",
    );
  });

  it("become committed ones when they are kept, whatever their kind", async () => {
    const { record } = await evaluate({ ...common, agent: fakeAgent() });
    const bytes = readFileSync(join(record.path, "record.json"));
    const kept = keepAsEvidence(record.path);
    assert.equal(kept, join("data/runs", record.id));
    assert.deepEqual(readFileSync(join(kept, "record.json")), bytes);
    assert.ok(!existsSync(record.path));
    assert.equal(keepAsEvidence(kept), kept);
    assert.deepEqual(
      everyRecord().map(({ id, kind, path }) => [id, kind, path]),
      [[record.id, "evaluation", kept]],
    );
  });
});

describe("canonical JSON", () => {
  it("does not depend on the order of keys", () => {
    assert.equal(canonicalJson({ b: [1, { d: 1, c: undefined }], a: "x" }), '{"a":"x","b":[1,{"d":1}]}');
    assert.equal(canonicalJson({ b: 1, a: 2 }), canonicalJson({ a: 2, b: 1 }));
    assert.throws(() => canonicalJson({ a: NaN }), RangeError);
  });
});
