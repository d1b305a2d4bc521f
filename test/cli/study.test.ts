import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureShop } from "../../lib/simulator/index.js";
import { readRecord } from "../../lib/records/index.js";
import { aisle as command, type Run } from "./run.js";

const aisle = (...args: readonly string[]): Promise<Run> => command(args);

describe("aisle evaluate", function () {
  this.timeout(60_000);
  let runs: string;
  before(async () => {
    runs = mkdtempSync(join(tmpdir(), "aisle-cli-"));
    await ensureShop();
  });
  after(() => rmSync(runs, { recursive: true, force: true }));

  it("prints one JSON object, keeps a record, and says the same the second time", async () => {
    const args = ["evaluate", "--agent", "random", "--split", "dev", "--seeds", "0,3", "--limit", "12"];
    const first = await aisle(...args, "--runs", runs, "--json");
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /Kept as the run record/);
    const said = JSON.parse(first.stdout) as Record<string, unknown> & { record: string; score_ci: number[] };
    assert.deepEqual(Object.keys(said), [
      "agent",
      "goals",
      "score",
      "score_ci",
      "success_rate",
      "success_rate_ci",
      "parts",
      "record",
    ]);
    assert.deepEqual([said["agent"], said["goals"]], ["random", 12]);
    const record = readRecord(said.record);
    assert.deepEqual(record.identity.goals, { first: 500, count: 12 });
    const mean = record.results.reduce((sum, { reward }) => sum + reward, 0) / 24;
    assert.ok(Math.abs((said["score"] as number) - 100 * mean) < 1e-6);
    assert.ok(
      said.score_ci[0]! <= (said["score"] as number) && (said["score"] as number) <= said.score_ci[1]!,
    );

    const bytes = readFileSync(join(said.record, "record.json"));
    const [read, forced] = await Promise.all([
      aisle(...args, "--runs", runs, "--json"),
      aisle(...args, "--runs", runs, "--json", "--force"),
    ]);
    assert.equal(read.stdout, first.stdout);
    assert.match(read.stderr, /Read from the run record/);
    assert.equal(forced.stdout, first.stdout);
    assert.match(forced.stderr, /Same as the run record/);
    assert.deepEqual(readFileSync(join(said.record, "record.json")), bytes);
  });

  it("answers a wrong argument with one sentence and exit code 2, and writes nothing", async () => {
    const wrong: [RegExp, string[]][] = [
      [/no agent "nobody"; there are .*oracle/, ["--agent", "nobody"]],
      [/test, dev, train/, ["--agent", "rule", "--split", "all"]],
      [/separated by commas/, ["--agent", "rule", "--seeds", "0,x"]],
      [/does not exist/, ["--agent", "rule", "--data", "no/such/shop"]],
    ];
    const before = readdirSync(runs);
    const answers = await Promise.all(
      wrong.map(([, args]) => aisle("evaluate", ...args, "--runs", runs, "--json")),
    );
    answers.forEach(({ code, stdout, stderr }, i) => {
      assert.equal(code, 2, stderr);
      assert.equal(stdout, "");
      assert.match(stderr, wrong[i]![0]);
      assert.doesNotMatch(stderr, /^\s+at /m);
    });
    assert.deepEqual(readdirSync(runs), before);
  });
});
