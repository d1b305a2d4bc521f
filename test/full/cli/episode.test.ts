import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChatServer } from "../../cli/chat-server.js";
import { aisleProcess as aisle, type Run } from "../../cli/run.js";

interface Printed {
  readonly agent: string;
  readonly seed: number;
  readonly record?: string;
  readonly same_shown?: boolean;
  readonly steps: readonly { readonly action: string; readonly valid: boolean }[];
  readonly decisions: readonly {
    readonly task: string;
    readonly prompt: readonly { readonly role: string; readonly content: string }[];
    readonly answer: string;
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly tokens: readonly { readonly text: string; readonly probability: number }[] | null;
  }[];
  readonly reward: number;
}

describe("aisle episode, of any agent and of a record", function () {
  this.timeout(300_000);
  const server = new ChatServer();
  const root = mkdtempSync(join(tmpdir(), "aisle-episode-"));
  let endpoint: readonly string[];
  before(async () => {
    endpoint = ["--agent", "prompted", "--base-url", await server.start(), "--model", "Org/Tiny-Chat"];
  });
  after(async () => {
    await server.stop();
    rmSync(root, { recursive: true, force: true });
  });

  const episode = async (...args: readonly string[]): Promise<Run> => aisle(["episode", ...args]);
  async function printed(...args: readonly string[]): Promise<Printed> {
    const { code, stdout, stderr } = await episode(...args, "--json");
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Printed;
  }

  it("plays with an endpoint as it is evaluated, and shows the recorded episode again: prompts, answers, tokens", async () => {
    for (const protocol of [[], ["--react", "--few-shot", "1"]]) {
      const runs = join(root, `runs${protocol.length}`);
      const evaluated = await aisle([
        "evaluate",
        ...endpoint,
        ...protocol,
        "--limit",
        "4",
        "--runs",
        runs,
        "--json",
      ]);
      assert.equal(evaluated.code, 0, evaluated.stderr);
      const { agent, record } = JSON.parse(evaluated.stdout) as { agent: string; record: string };
      const asked = server.seen.length;
      const played = await printed(...endpoint, ...protocol, "--goal", "2");
      const messages = server.seen.slice(asked).map((one) => one.messages);
      assert.deepEqual(
        played.decisions.map(({ prompt }) => prompt),
        messages,
        "what is shown is what was sent",
      );
      const again = await printed("--record", record, "--goal", "2");
      assert.equal(again.same_shown, true);
      assert.equal(again.record, record);
      const { usage: _, ...same } = played as Printed & { readonly usage: unknown };
      assert.deepEqual(
        { ...again, record: undefined, same_shown: undefined },
        { ...same, record: undefined, same_shown: undefined },
      );
      assert.ok(played.decisions.every((one) => one.prompt_tokens > 0 && one.completion_tokens > 0));
      assert.equal((await printed("--record", agent, "--runs", runs, "--goal", "2")).record, record);
      server.forget();
    }
  });

  it("plays a trained agent and says how sure it was of each token", async () => {
    const args = ["--agent", "il", "--temperature", "0", "--goal", "3"];
    const { agent, decisions } = await printed(...args);
    assert.equal(agent, "il:t0");
    for (const { tokens, completion_tokens: count } of decisions) {
      assert.equal(tokens!.length, count);
      assert.ok(tokens!.every(({ probability }) => probability > 0 && probability <= 1));
    }
    const { stdout } = await episode(...args);
    const [query, choice] = decisions;
    assert.ok(
      stdout.includes(`      ${query!.prompt[0]!.content}\n`) && stdout.includes(`   says  ${query!.answer}`),
    );
    for (const line of choice!.prompt[1]!.content.split("\n"))
      assert.ok(stdout.includes(`      ${line}\n`), line);
    assert.match(stdout, /sure {2}\S+ [01]\.\d\d {2}/);
    assert.match(stdout, /\(by rule\)/);
    const brief = (await episode(...args, "--brief")).stdout;
    assert.ok(!brief.includes("[system]") && brief.includes(`   says  ${query!.answer}`));
  });

  it("shows an empty query and a control character as a terminal should see them", async () => {
    server.interfere = (_, response) => {
      response.setHeader("content-type", "application/json");
      response.end(
        JSON.stringify({
          choices: [{ message: { role: "assistant", content: "\u001b[31m|\n" }, finish_reason: "stop" }],
          usage: { prompt_tokens: 5, completion_tokens: 1 },
        }),
      );
      return true;
    };
    const { stdout } = await episode(...endpoint, "--goal", "1");
    server.forget();
    assert.ok(!stdout.includes("\u001b"));
    assert.match(stdout, /says {3}\[31m\| {3}\(1 token\)/);
  });

  it("refuses what it cannot show, in one sentence", async () => {
    const runs = join(root, "runs0");
    const refused = async (args: readonly string[], message: RegExp): Promise<void> => {
      const { code, stdout, stderr } = await episode(...args);
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.equal(stderr.trim().split("\n").length, 1, stderr);
    };
    await refused(["--goal", "1"], /Say who plays \(--agent\), or which record/);
    await refused(["--agent", "rule", "--record", "x", "--goal", "1"], /one of them/);
    await refused(
      ["--record", "nothing", "--runs", runs, "--goal", "1"],
      /no record of an evaluation "nothing"/,
    );
    await refused(["--record", "prompted", "--runs", runs, "--goal", "9"], /has no goal 9; it has 0 to 3/);
    await refused(
      ["--record", "prompted", "--runs", runs, "--goal", "1", "--seed", "4"],
      /has no seed 4; it has 0/,
    );
    await refused(
      ["--record", "prompted", "--runs", runs, "--goal", "1", "--model", "x"],
      /--model is about playing/,
    );
    await refused(["--record", "grpo-", "--goal", "1"], /Several records are meant by "grpo-": .* more\./);
    await refused([...endpoint, "--goal", "1", "--mode", "sound"], /--mode must be one of/);
    await refused(["--agent", "rule", "--goal", "99999999"], /no goal 99999999 in this shop/);
    await refused(
      ["--agent", "il", "--base-url", "http://x/v1", "--goal", "1"],
      /belongs to --agent prompted/,
    );
    await refused(["--agent", "grpo", "--seed", "7", "--goal", "1"], /no training record with seed 7/);
    const { stdout } = await aisle(["evaluate", "--agent", "rule", "--limit", "2", "--runs", runs, "--json"]);
    const { record } = JSON.parse(stdout) as { record: string };
    const file = join(record, "actions.jsonl");
    writeFileSync(file, readFileSync(file, "utf8").replace("buy now", "buy not"));
    await refused(["--record", record, "--goal", "1"], /actions.jsonl is not the one that it names/);
  });
});
