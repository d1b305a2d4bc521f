import assert from "node:assert/strict";
import { describeEpisodes, toText } from "../../lib/results/index.js";
import { type EpisodeResult, recordsWhere } from "../../lib/records/index.js";
import { aisle } from "../cli/run.js";

/** The rows of a described table by title. */
async function described(results: readonly EpisodeResult[]): Promise<Map<string, Record<string, number>>> {
  const { sections } = await describeEpisodes(results);
  const rows = sections[0]!.table.objects() as ({ title: string } & Record<string, number>)[];
  return new Map(rows.map(({ title, ...rest }) => [title, rest as Record<string, number>]));
}

const episode = (reward: number, more: Partial<EpisodeResult> = {}): EpisodeResult => ({
  seed: 0,
  goal: 0,
  reward,
  bought: true,
  steps: 3,
  rType: 1,
  rAtt: 1,
  rOption: 0.5,
  rPrice: 1,
  attributes: 2,
  options: 1,
  ...more,
});

describe("episodes, described", function () {
  this.timeout(120_000); // the first one loads danfojs

  it("has danfojs's statistics, each of the episodes that it applies to", async () => {
    const rows = await described([
      episode(0.25, { steps: 3, rOption: null }),
      episode(0.5, { steps: 4, rOption: 0 }),
      episode(1, { steps: 8, rOption: 1 }),
    ]);
    const near = (got: number, expected: number): void =>
      assert.ok(Math.abs(got - expected) < 1e-12, `${got}`);
    const reward = rows.get("reward")!;
    assert.deepEqual([reward["count"], reward["min"], reward["median"], reward["max"]], [3, 0.25, 0.5, 1]);
    near(reward["mean"]!, 1.75 / 3);
    near(reward["std"]!, Math.sqrt(0.4375 / 3)); // squares around the mean add up to 0.875 / 3, over n − 1 = 2
    assert.deepEqual([rows.get("options")!["count"], rows.get("options")!["mean"]], [2, 0.5]);
    assert.equal(rows.get("steps")!["mean"], 5);
    const without = await described([episode(1, { rOption: null })]);
    assert.ok(!without.has("options"));
    assert.equal(without.get("reward")!["std"], 0);
  });

  it("agrees with the committed records' own means, and prints them on the command line", async () => {
    const [record] = recordsWhere({ agent: "rule", split: "test" });
    const rows = await described(record!.results);
    const mean = record!.results.reduce((sum, { reward }) => sum + reward, 0) / record!.results.length;
    assert.ok(Math.abs(rows.get("reward")!["mean"]! - mean) < 1e-9);
    assert.equal(
      rows.get("options")!["count"],
      record!.results.filter(({ rOption }) => rOption !== null).length,
    );
    const flags = ["records", "method = rule, split = test", "--describe"];
    const { stdout: said } = await aisle(flags);
    assert.ok(said.includes(toText(await describeEpisodes(record!.results)).trimEnd()), said);
  });
});
