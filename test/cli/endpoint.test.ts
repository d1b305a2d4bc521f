import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultCatalogue, type DiskCatalogue } from "../../lib/simulator/index.js";
import { episodesOf, readRecord, replay, type EpisodeResult } from "../../lib/records/index.js";
import { ChatServer, type ChatRequest } from "./chat-server.js";
import { aisle, type Run } from "./run.js";

const KEY = "sk-very-secret-0123456789";
const GOALS = 12;

describe("aisle evaluate with an endpoint", function () {
  this.timeout(300_000);
  const server = new ChatServer();
  let url: string;
  let root: string;
  let shop: DiskCatalogue;
  /** What the same evaluation gives when nothing goes wrong. */
  let calm: readonly EpisodeResult[];
  let everything = "";

  before(async () => {
    url = await server.start();
    root = mkdtempSync(join(tmpdir(), "aisle-endpoint-"));
    shop = await defaultCatalogue();
    const run = await evaluate("calm");
    assert.equal(run.code, 0, run.stderr);
    calm = recordOf(run).results;
    assert.deepEqual([...server.keys], [`Bearer ${KEY}`]);
  });
  after(async () => {
    shop.close();
    await server.stop();
    const files = everyFile(root).map((file) => readFileSync(file, "utf8"));
    rmSync(root, { recursive: true, force: true });
    // The key is never in what is printed or written.
    assert.ok(![everything, ...files].some((text) => text.includes(KEY)));
  });
  beforeEach(() => server.forget());

  const args = (runs: string, ...more: readonly string[]): string[] => [
    ...["evaluate", "--agent", "prompted", "--base-url", url, "--model", "Org/Tiny-Chat", "--json"],
    ...["--key-variable", "AISLE_TEST_KEY", "--limit", String(GOALS), "--runs", join(root, runs), ...more],
  ];
  const environment = { AISLE_TEST_KEY: KEY, OPENAI_LOG: "debug", AISLE_DEBUG: "1" };
  async function evaluate(runs: string, ...more: readonly string[]): Promise<Run> {
    const run = await aisle(args(runs, ...more), environment);
    everything += run.stdout + run.stderr;
    return run;
  }
  const recordOf = ({ stdout }: Run): ReturnType<typeof readRecord> =>
    readRecord((JSON.parse(stdout) as { record: string }).record);

  /** Every way of failing, in turn, for two requests of three; `left` of them. */
  const trouble = (left: number): ChatServer["interfere"] => {
    const fail =
      (status: number, headers: Record<string, string> = {}) =>
      (response: ServerResponse) => {
        response.writeHead(status, headers);
        response.end(JSON.stringify({ error: { message: `no, ${KEY}` } })); // a careless server echoes the key
      };
    const partly = (type: string, text: string) => (response: ServerResponse) => {
      response.writeHead(200, { "content-type": type, "content-length": "5000" });
      response.write(text);
      setTimeout(() => response.destroy(), 5);
    };
    const ways: ((response: ServerResponse, body: ChatRequest) => void)[] = [
      fail(429, { "retry-after": "1" }),
      fail(500),
      () => undefined, // never answers: a time-out
      (response) => response.end('{"choices": ['), // malformed JSON
      (response) => response.end("[]"),
      partly("application/json", '{"choices": [{"message": {"content": "re'),
      (response) => response.destroy(),
      (response, { stream }) =>
        stream
          ? partly("text/event-stream", 'data: {"choices": [{"delta": {"content": "red"}}]}\n\n')(response)
          : fail(503)(response),
    ];
    let next = 0;
    return (_, response, body, count) => {
      if (count % 3 === 0 || left-- <= 0) return false;
      ways[next++ % ways.length]!(response, body);
      return true;
    };
  };

  it("records what was asked, what it took and cost, under the model's name", async () => {
    const run = await evaluate("calm", "--price", "2,10");
    assert.match(run.stderr, /Read from the run record/);
    assert.equal(server.seen.length, 0);
    const said = JSON.parse(run.stdout) as Record<string, unknown>;
    assert.equal(said["agent"], "prompted:tiny-chat");
    const requests = 2 * GOALS;
    assert.deepEqual(said["usage"], {
      requests,
      prompt_tokens: 100 * requests,
      completion_tokens: 7 * requests,
      dollars: (200 * requests + 70 * requests) / 1e6,
    });
    const { identity } = recordOf(run);
    assert.equal(identity.agent.settings["model"], "Org/Tiny-Chat");
    assert.equal(identity.agent.settings["temperature"], 0.7);
    assert.ok(calm.every(({ usage, steps }) => usage?.requests === 2 && steps >= 3));
  });

  it("gets through every kind of failure to the same record, whole answers or streamed", async () => {
    server.interfere = trouble(24);
    const hard = ["--retries", "10", "--timeout", "2"];
    const [whole, streamed] = await Promise.all([
      evaluate("whole", ...hard),
      evaluate("streamed", "--stream", "--concurrency", "7", ...hard),
    ]);
    for (const run of [whole, streamed]) {
      assert.equal(run.code, 0, run.stderr);
      assert.deepEqual(recordOf(run).results, calm);
    }
    // A seed is drawn once for each question, so a question that is repeated is the same one.
    assert.ok(server.seen.length >= 4 * GOALS + 24);
    assert.equal(new Set(server.seen.map((body) => body.seed)).size, 2 * GOALS);
  });

  it("loses no finished goal to kill -9 or Ctrl-C, and asks for none of them again", async function () {
    const interruptions: [string, NodeJS.Signals, number | null][] = [["killed", "SIGKILL", null]];
    if (process.platform !== "win32") interruptions.push(["interrupted", "SIGINT", 130]);
    for (const [runs, signal, code] of interruptions) {
      server.forget();
      server.delay = 60;
      const child = spawn(process.execPath, ["lib/aisle.mjs", ...args(runs, "--concurrency", "3")], {
        stdio: ["ignore", "ignore", "pipe"],
        env: { ...process.env, ...environment },
      });
      let stderr = "";
      child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
      while (server.answered < GOALS) await new Promise((resume) => setTimeout(resume, 5));
      child.kill(signal);
      assert.equal(await ended(child), code, stderr);
      everything += stderr;
      if (code !== null)
        assert.match(stderr, /Interrupted after \d+ of 12 episodes; the same command goes on/);

      const folder = join(root, runs, ".unfinished");
      const lines = readFileSync(join(folder, readdirSync(folder)[0]!), "utf8")
        .trim()
        .split("\n");
      const finished = new Set(lines.map((line) => (JSON.parse(line) as { row: number[] }).row[1]!));
      assert.ok(finished.size >= 3 && finished.size < GOALS, `${finished.size} goals were finished`);
      server.forget();
      const resumed = await evaluate(runs);
      assert.equal(resumed.code, 0, resumed.stderr);
      assert.deepEqual(recordOf(resumed).results, calm);
      const asked = server.seen.map(({ messages }) => messages.at(-1)!.content);
      assert.equal(asked.length, 2 * (GOALS - finished.size));
      for (const goal of finished) {
        assert.ok(!asked.some((text) => text.includes(`Instruction: ${shop.goal(goal).instruction}\n`)));
      }
      assert.ok(!existsSync(folder));
    }
  });

  it("counts an episode without an answer as failed, with the reason, and goes on", async () => {
    const reply = (response: ServerResponse, message: object, finish_reason = "stop"): true => {
      response.setHeader("content-type", "application/json");
      const usage = { prompt_tokens: 100, completion_tokens: 7 };
      response.end(JSON.stringify({ choices: [{ index: 0, finish_reason, message }], usage }));
      return true;
    };
    server.interfere = (_, response, body) => {
      const asked = body.messages.at(-1)!.content;
      const goal = (index: number): boolean =>
        asked.includes(`Instruction: ${shop.goal(index).instruction}\n`);
      const choice = asked.includes("Reply with a number");
      if (goal(3) && !choice) return reply(response, { content: null, refusal: "I cannot help with that." });
      if (goal(5) && choice)
        return reply(response, { content: null, tool_calls: [{ id: "1" }] }, "tool_calls");
      if (goal(6) && choice) return reply(response, { content: "<think>There are 9 packs.</think>\n\n1" });
      if (goal(7) && !choice) return reply(response, { content: "<think>They want" }, "length");
      return false;
    };
    const run = await evaluate("failing", "--retries", "0");
    assert.equal(run.code, 0, run.stderr);
    assert.match(
      run.stderr,
      /1 episode ended without an answer and with reward 0: the model refused: I cannot help/,
    );
    assert.match(run.stderr, /1 episode ended .*called a tool/);
    assert.match(run.stderr, /1 of 22 answers came after thinking/);
    assert.match(run.stderr, /1 of 22 answers were cut off/);
    const record = recordOf(run);
    assert.equal(record.results.length, GOALS);
    for (const goal of [3, 5, 7])
      assert.deepEqual([record.results[goal]!.reward, record.results[goal]!.bought], [0, false]);
    for (const goal of [0, 1, 2, 4, 6, 8, 9, 10, 11])
      assert.equal(record.results[goal]!.bought, true, `${goal}`);
    const kept = [...episodesOf(record)];
    assert.match(kept[3]!.decisions![0]!.failed!, /^the model refused/);
    assert.match(kept[5]!.decisions![1]!.failed!, /tool/);
    assert.equal(kept[6]!.decisions![1]!.answer, "<think>There are 9 packs.</think>\n\n1");
    for (const goal of [3, 5, 6, 7])
      assert.ok(replay(record, { goal, seed: 0, catalogue: shop }).sameShown, `${goal}`);
    const { answers } = JSON.parse(run.stdout) as { answers: { failed: object; cut: number } };
    assert.equal(Object.keys(answers.failed).length, 2);
  });

  it("takes an endpoint's options from a file, and the command line's before them", async () => {
    const file = join(root, "endpoint.json");
    const given = {
      baseUrl: url,
      model: "Org/Tiny-Chat",
      tokenLimit: "max_completion_tokens",
      omit: ["seed"],
      extra: { top_p: 0.9 },
    };
    writeFileSync(
      file,
      JSON.stringify({ ...given, keyVariable: "AISLE_TEST_KEY", price: { prompt: 2, completion: 10 } }),
    );
    const asked = [
      "evaluate",
      "--agent",
      "prompted",
      "--endpoint",
      file,
      "--limit",
      "2",
      "--json",
      "--runs",
      join(root, "file"),
    ];
    const run = await aisle([...asked, "--omit", "temperature"], environment);
    assert.equal(run.code, 0, run.stderr);
    const body = server.seen[0] as unknown as Record<string, unknown>;
    assert.deepEqual(
      [body["max_completion_tokens"], body["top_p"], typeof body["seed"]],
      [32, 0.9, "number"],
    );
    assert.ok(!("max_tokens" in body) && !("temperature" in body));
    const said = JSON.parse(run.stdout) as { usage: { dollars: number } };
    assert.ok(said.usage.dollars > 0);
    writeFileSync(file, JSON.stringify({ ...given, speed: 1 }));
    const refused = await aisle(asked, environment);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /endpoint\.json.*speed/);
  });

  it("shops step by step with thoughts (ReAct), after worked examples of train goals", async () => {
    const run = await evaluate("react", "--react", "--few-shot", "1", "--limit", "3", "--temperature", "0");
    assert.equal(run.code, 0, run.stderr);
    const { identity, results } = recordOf(run);
    assert.equal(identity.agent.name, "prompted:tiny-chat:react:1-shot:t0");
    const { exemplars, protocol } = identity.agent.settings as {
      exemplars: { act: number; trainGoals: number[] };
      protocol: string;
    };
    assert.equal(protocol, "multi-turn");
    assert.ok(exemplars.trainGoals.length === 1 && exemplars.trainGoals[0]! >= 1500);
    assert.ok(results.every(({ bought, steps, usage }) => bought && steps === 3 && usage?.requests === 3));
    const [first] = server.seen;
    assert.equal(first!.messages.length, 2 * exemplars.act + 1);
    assert.match(first!.messages[1]!.content, /^<think>.*<\/think>\n<action>search\[/);
    assert.match(first!.messages.at(-1)!.content, /Think first/);
  });

  it("says in one sentence what is wrong, and keeps what was finished", async () => {
    let answers = 0;
    server.interfere = (_, response) => {
      if (++answers <= 2) return false;
      response.writeHead(401);
      response.end(JSON.stringify({ error: { message: `Incorrect API key provided: ${KEY}` } }));
      return true;
    };
    const refused = await evaluate("refused", "--concurrency", "1");
    assert.deepEqual([refused.code, refused.stdout], [2, ""]);
    assert.match(refused.stderr, /refused the key \(401\): set AISLE_TEST_KEY to a valid one\./);
    const folder = join(root, "refused", ".unfinished");
    assert.equal(
      readFileSync(join(folder, readdirSync(folder)[0]!), "utf8")
        .trim()
        .split("\n").length,
      1,
    );

    const prompted = ["evaluate", "--agent", "prompted"];
    const endpoint = ["--base-url", url, "--model", "x"];
    const wrong: [RegExp, readonly string[]][] = [
      [/variable NO_SUCH_KEY, .*, is not set/, [...prompted, ...endpoint, "--key-variable", "NO_SUCH_KEY"]],
      [/--base-url needs the name/, [...prompted, "--base-url", url]],
      [/--stream needs an endpoint/, [...prompted, "--stream"]],
      [/--react belongs to --agent prompted, not to rule/, ["evaluate", "--agent", "rule", "--react"]],
      [/--options is about two decisions/, [...prompted, ...endpoint, "--react", "--options", "none"]],
      [/--price must be dollars/, [...prompted, ...endpoint, "--price", "cheap"]],
      [/is not an http\(s\) URL/, [...prompted, "--base-url", "localhost", "--model", "x"]],
    ];
    const runs = await Promise.all(wrong.map(([, given]) => aisle([...given, "--runs", join(root, "none")])));
    runs.forEach(({ code, stdout, stderr }, i) => {
      assert.match(stderr, wrong[i]![0]);
      assert.deepEqual([code, stdout], [2, ""], stderr);
    });
    assert.ok(!existsSync(join(root, "none")));
  });
});

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resume) => child.on("close", (code) => resume(code)));
}

function everyFile(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? everyFile(path) : [path]));
}
