import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultCatalogue, type DiskCatalogue } from "../../lib/simulator/index.js";
import { readRecord, type EpisodeResult } from "../../lib/records/index.js";
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
