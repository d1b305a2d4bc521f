import { strict as assert } from "node:assert";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RuleAgent } from "../../../lib/agents/index.js";
import { folderSums, stream } from "../../../lib/base/index.js";
import { loadModel } from "../../../lib/model/index.js";
import {
  episodesOf,
  Journal,
  keptEpisode,
  metricsOf,
  modelOf,
  readProvenance,
  readRecord,
  readTrainingRecord,
} from "../../../lib/records/index.js";
import { checkRun, evaluate, recordRun, runGrpo } from "../../../lib/runs/index.js";
import { resultOf } from "../../../lib/runs/evaluate.js";
import { saveTinyModel, tinyRun, tinyShop } from "../../runs/tiny-run.js";
import { assertRefusal } from "../boundary.js";

/** Bits flipped in each file, one at a time. */
const FLIPS = 200;
const GOALS = { first: 0, count: 12 };

describe("full: one bit flipped", function () {
  this.timeout(1_200_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-record-flips-"));
  const at = (...names: string[]): string => join(root, ...names);
  const environment = tinyShop();
  after(() => rmSync(root, { recursive: true, force: true }));
  let trained: string;
  before(async () => {
    saveTinyModel(at("start"), environment);
    const config = tinyRun(at("start"), { preset: "ppo", iterations: 3, checkpoint: 2 });
    await runGrpo({ config, environment, out: at("run"), resume: false });
    trained = (await recordRun({ folder: at("run"), environment, runs: at("runs"), kept: "last" })).record
      .path;
  });

  /**
   * Flips bits of each file of a folder, one at a time.
   * @param numbers all that the folder can change about a number
   * @param free files that may be anything, and change nothing
   * @returns how many flips of each file were refused
   */
  async function flip(
    folder: string,
    numbers: (folder: string) => unknown,
    free: readonly string[] = [],
  ): Promise<Record<string, number>> {
    // Below another folder, for a record's folder has its name.
    const copy = folder.replace(root, at("copies"));
    cpSync(folder, copy, { recursive: true });
    const right = await numbers(copy);
    const random = stream(3, "flips", folder.slice(root.length));
    const refused: Record<string, number> = {};
    for (const file of Object.keys(folderSums(folder))) {
      refused[file] = 0;
      const whole = readFileSync(join(folder, file));
      for (let k = 0; whole.length > 0 && k < FLIPS; k++) {
        const bytes = Buffer.from(whole);
        const [place, bit] = [random.below(bytes.length), random.below(8)];
        bytes[place]! ^= 1 << bit;
        writeFileSync(join(copy, file), bytes);
        const what = `bit ${bit} of byte ${place} of ${file}`;
        let found: unknown;
        try {
          found = await numbers(copy);
        } catch (error) {
          assertRefusal(error, what);
          assert.ok(error.message.includes(copy), `${what}: ${error.message}`);
          assert.ok(!free.includes(file), `${what} is refused: ${error.message}`);
          refused[file]++;
          continue;
        }
        assert.deepEqual(found, right, what);
      }
      writeFileSync(join(copy, file), whole);
    }
    assert.deepEqual(await numbers(copy), right);
    process.stderr.write(`      refused of ${FLIPS} each: ${JSON.stringify(refused)}\n`);
    return refused;
  }

  it("in a record of an evaluation is refused or without any effect", async () => {
    const { record } = await evaluate({
      agent: new RuleAgent(),
      environment,
      split: "test",
      goals: GOALS,
      runs: at("runs"),
    });
    const refused = await flip(record.path, (folder) => {
      const { path: _, ...read } = readRecord(folder);
      readProvenance(folder);
      return { read, episodes: [...episodesOf({ ...read, path: folder })] };
    });
    assert.equal(refused["actions.jsonl"], FLIPS);
    assert.ok(refused["record.json"]! > FLIPS * 0.9, `${refused["record.json"]}`);
  });

  it("in a record of a training is refused or without any effect", async () => {
    const refused = await flip(trained, (folder) => {
      const { path: _, ...read } = readTrainingRecord(folder);
      readProvenance(folder);
      const record = { ...read, path: folder };
      return { read, metrics: metricsOf(record), config: loadModel(modelOf(record)!).config };
    });
    for (const file of [
      "metrics.jsonl",
      "model/model.safetensors",
      "model/config.json",
      "model/tokenizer.json",
    ])
      assert.equal(refused[file], FLIPS, file);
    assert.ok(refused["record.json"]! > FLIPS * 0.9, `${refused["record.json"]}`);
  });

  it("in the folder of a finished run is noticed by whoever records or verifies it", async () => {
    const refused = await flip(at("run"), (folder) => checkRun(folder), ["timing.jsonl", "origin.json"]);
    for (const [file, count] of Object.entries(refused)) {
      // White space of a sealed file may change.
      if (/(progress|state)\.json$/.test(file)) assert.ok(count > FLIPS * 0.8, `${file}: ${count}`);
      else assert.equal(count, ["timing.jsonl", "origin.json"].includes(file) ? 0 : FLIPS, file);
    }
    for (const file of ["config.json", "model/model.safetensors", "timing.jsonl"]) {
      const copy = at("copies", "run");
      const bytes = readFileSync(join(copy, file));
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(join(copy, file), bytes);
      const kept = recordRun({ folder: copy, environment, runs: at("others"), kept: "last" });
      if (file === "timing.jsonl") assert.equal((await kept).record.iteration, 3);
      else await assert.rejects(kept, /was changed since it was written/);
      cpSync(at("run", file), join(copy, file));
    }
  });

  it("in the journal of an unfinished evaluation costs an episode at most, which is played again", () => {
    const agent = new RuleAgent();
    const episodes = Array.from({ length: 6 }, (_, goal) => {
      const trajectory = agent.play(environment, goal);
      return {
        result: resultOf(trajectory, 0, environment.catalogue.goal(goal)),
        kept: keptEpisode(trajectory, 0),
      };
    });
    const id = "rule-test-0123456789";
    const journal = new Journal(at("journal"), id, 0);
    for (const episode of episodes) journal.add(episode);
    const file = at("journal", ".unfinished", `${id}.jsonl`);
    const whole = readFileSync(file);
    const random = stream(3, "journal");
    let lost = 0;
    for (let k = 0; k < FLIPS; k++) {
      const bytes = Buffer.from(whole);
      bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
      mkdirSync(at("journal", ".unfinished"), { recursive: true });
      writeFileSync(file, bytes);
      const read = new Journal(at("journal"), id, 0).read((seed, goal) => seed === 0 && goal < 6);
      for (const one of read) assert.deepEqual(one, episodes[one.result.goal]);
      // A flipped line end makes one line of two.
      assert.ok(read.length >= episodes.length - 2);
      lost += episodes.length - read.length;
    }
    assert.ok(lost >= FLIPS * 0.95, `${lost} episodes`);
  });
});
