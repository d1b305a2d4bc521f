import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { figures, figureSvg } from "../../../figures/index.js";
import { stream } from "../../../lib/base/index.js";
import { useBackend } from "../../../lib/tensor/index.js";
import { defaultCatalogue, type DiskCatalogue, openEnvironment } from "../../../lib/simulator/index.js";
import {
  ablationParagraphs,
  algorithmPages,
  allNumbers,
  figuresFolder,
  learnedParagraphs,
  mainAgentsIn,
  numbersTex,
  readmeBlock,
  type StudyData,
  studyData,
  tables,
  tablesFolder,
  toLatex,
  withResults,
} from "../../../lib/results/index.js";
import { agentOf, resultOf } from "../../../lib/runs/index.js";
import { type EpisodeResult, trainingRecords } from "../../../lib/records/index.js";

/** What to do when one of these tests fails. */
const remake =
  "out of date: evaluate the agents again (npx aisle tables names the missing records), delete the records of older data, and run npx aisle figures && npx aisle tables";

/** Goals that a model plays again. */
const FIRST = 6;

/** Models' first test goals played again, each with one seed. */
function replayedAfresh(agents: Readonly<Record<string, number>>): Record<string, EpisodeResult[]> {
  const order = JSON.stringify({ goals: FIRST, agents });
  const out = execFileSync(process.execPath, ["--import", "tsx", "test/runs/replay.ts", order], {
    encoding: "utf8",
    stdio: "pipe",
  });
  return JSON.parse(out) as Record<string, EpisodeResult[]>;
}

describe("the committed results", function () {
  this.timeout(300_000); // a machine that trains at the same time is slow
  let catalogue: DiskCatalogue;
  let data: StudyData;
  before(async () => {
    catalogue = await defaultCatalogue();
    data = studyData(catalogue);
  });
  after(() => catalogue.close());

  it("have a record of this very shop for every agent of the main table that there is a model of", () => {
    const there = new Set(mainAgentsIn().map(({ agent }) => agent));
    assert.ok(there.size > 0);
    for (const { agent, record } of data.results.filter((result) => there.has(result.agent)))
      assert.ok(record, `${agent} has no record: ${remake}`);
  });

  it("are what the code gives: some goals of every record, played again", async function () {
    this.timeout(600_000);
    await useBackend("wasm");
    const environment = openEnvironment(catalogue);
    const expected: Record<string, { seed: number; results: EpisodeResult[] }> = {};
    for (const [place, { agent, record }] of data.results.entries()) {
      if (!record) continue;
      const { seeds } = record.identity;
      const playerOf = await agentOf(agent);
      const player = await playerOf(seeds[0]!, catalogue.fingerprint);
      assert.deepEqual(record.identity.agent.settings, JSON.parse(JSON.stringify(player.settings)), remake);
      if (player.model) {
        for (const [i, seed] of seeds.entries()) {
          const { model } = await playerOf(seed, catalogue.fingerprint);
          assert.equal(record.identity.models[i]?.fingerprint, model?.fingerprint, remake);
        }
        // One of its seeds, each agent another.
        const seed = seeds[place % seeds.length]!;
        const results = record.results.filter((kept) => kept.seed === seed && kept.goal < FIRST);
        assert.equal(results.length, FIRST);
        expected[agent] = { seed, results };
        continue;
      }
      // every 23rd episode: 22 of 500, spread over the goals and seeds
      for (const kept of record.results.filter((_, i) => i % 23 === 0)) {
        const random = stream(kept.seed, "evaluate", kept.goal);
        const trajectory = await player.play(environment, kept.goal, random);
        assert.deepEqual(
          resultOf(trajectory, kept.seed, catalogue.goal(kept.goal)),
          kept,
          `${record.path} is ${remake}`,
        );
      }
    }
    const trained = Object.entries(expected);
    assert.ok(trained.length > 0);
    assert.deepEqual(
      replayedAfresh(Object.fromEntries(trained.map(([agent, { seed }]) => [agent, seed]))),
      Object.fromEntries(trained.map(([agent, { results }]) => [agent, results])),
      remake,
    );
  });

  it("hold training records whose first iteration comes out again", () => {
    // One of two decisions: an iteration of many pages takes three times as long, and its code is held by smaller runs.
    const first = trainingRecords().find(({ identity }) => !identity.config["multiTurn"]);
    assert.ok(first, "no training record of two decisions");
    const flags = ["record", "--check", first.path, "--json"];
    const out = execFileSync(process.execPath, ["lib/aisle.mjs", ...flags], {
      encoding: "utf8",
      stdio: "pipe",
      env: { ...process.env, AISLE_BACKEND: "" }, // records are made on wasm
    });
    assert.deepEqual(JSON.parse(out), { record: first.path, holds: true });
  });

  it("are the ones that the thesis's tables, numbers and figures show", async () => {
    const current = (path: string, text: string): void => {
      assert.ok(existsSync(path), `${path} is missing: ${remake}`);
      assert.equal(readFileSync(path, "utf8"), text, `${path} is ${remake}`);
    };
    for (const table of tables(data)) current(join(tablesFolder, `${table.name}.tex`), toLatex(table));
    current(join(tablesFolder, "numbers.tex"), numbersTex(allNumbers(data)));
    current(join(tablesFolder, "learned.tex"), learnedParagraphs(data.results));
    current(join(tablesFolder, "ablated.tex"), ablationParagraphs(data.ablations));
    for (const name of figures.map((figure) => figure.name))
      current(join(figuresFolder, `${name}.svg`), await figureSvg(name, data));
  });

  it("are the ones that README.md shows", () => {
    const readme = readFileSync("README.md", "utf8");
    assert.equal(withResults(readme, readmeBlock(data)), readme, `README.md is ${remake}`);
    for (const [page, block] of algorithmPages(data)) {
      const text = readFileSync(`docs/algorithms/${page}.md`, "utf8");
      assert.equal(withResults(text, block), text, `docs/algorithms/${page}.md is ${remake}`);
    }
  });
});
