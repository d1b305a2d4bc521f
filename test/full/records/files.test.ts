/** Files of records that no program wrote, with and without a seal that holds. */
import { strict as assert } from "node:assert";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import fc from "fast-check";
import { RuleAgent } from "../../../lib/agents/index.js";
import {
  ACTIONS_FILE,
  canonicalJson,
  episodeIn,
  episodesOf,
  Journal,
  keyOf,
  lineOf,
  readAnyRecord,
  readRecord,
  sha256,
  scoreAndSuccess,
} from "../../../lib/records/index.js";
import { evaluate, recordRun, runGrpo } from "../../../lib/runs/index.js";
import { rewardFromParts } from "../../../lib/simulator/index.js";
import { saveTinyModel, tinyRun, tinyShop } from "../../runs/tiny-run.js";
import { assertRefusal, changed, CHANGES, RUNS, takenOrRefused } from "../boundary.js";

type Plain = Record<string, unknown>;

describe("full: files of records", function () {
  this.timeout(1_200_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-record-files-"));
  const at = (...names: string[]): string => join(root, ...names);
  after(() => rmSync(root, { recursive: true, force: true }));
  const records: { readonly path: string; readonly content: Plain }[] = [];
  let evaluation: string;

  before(async () => {
    const environment = tinyShop();
    saveTinyModel(at("start"), environment);
    await runGrpo({
      config: tinyRun(at("start"), { iterations: 1 }),
      environment,
      out: at("run"),
      resume: false,
    });
    const { record: trained } = await recordRun({
      folder: at("run"),
      environment,
      runs: at("runs"),
      kept: "last",
    });
    const agent = new RuleAgent();
    const goals = { first: 0, count: 5 };
    const { record } = await evaluate({ agent, environment, split: "test", goals, runs: at("runs") });
    evaluation = record.path;
    for (const path of [trained.path, record.path]) {
      records.push({ path, content: JSON.parse(readFileSync(join(path, "record.json"), "utf8")) as Plain });
    }
  });

  /** Makes the id, the key and the seal of a record belong to what it says, as somebody would who wants it believed. */
  function sealed(value: unknown, id: string): unknown {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const { seal: _, ...rest } = value as Plain;
    const key = rest["identity"] === undefined ? rest["key"] : keyOf(rest["identity"]);
    const said = {
      ...rest,
      ...(typeof key === "string" ? { key, id: `${id.slice(0, -10)}${key.slice(0, 10)}` } : {}),
    };
    return { ...said, seal: sha256(canonicalJson(said)) };
  }

  it(`are what they claim or refused in a sentence, ${RUNS} of them`, () => {
    let [taken, believed] = [0, 0];
    fc.assert(
      fc.property(fc.nat(1), CHANGES, fc.boolean(), (which, changes, honest) => {
        const { path, content } = records[which]!;
        const altered = changed(content, changes);
        const value = honest ? altered : sealed(altered, basename(path));
        const id = (value as Plain | null)?.["id"];
        const folder = at(
          "copies",
          typeof id === "string" && /^[a-z0-9-]{1,99}$/.test(id) ? id : basename(path),
        );
        cpSync(path, folder, { recursive: true });
        writeFileSync(join(folder, "record.json"), JSON.stringify(value));
        const what = JSON.stringify(value).slice(0, 3000);
        const any = takenOrRefused(what, () => readAnyRecord(folder));
        if (any) {
          taken++;
          if (honest) assert.equal(canonicalJson(value), canonicalJson(content), what);
          assert.ok(!/undefined|NaN|\[object/.test(any.line), any.line);
          if (any.kind === "evaluation") {
            const record = readRecord(folder);
            for (const {
              bought,
              reward,
              rType,
              rAtt,
              rOption,
              rPrice,
              attributes,
              options,
            } of record.results) {
              const own = rewardFromParts(
                { rType, rAtt, rOption, rPrice: rPrice === 1 ? 1 : 0 },
                { attributes, options },
              );
              if (bought) assert.ok(Math.abs(reward - own) < 1e-9, what);
              else assert.equal(reward, 0, what);
            }
            const { score } = scoreAndSuccess(record.results);
            assert.ok(score >= 0 && score <= 100);
            takenOrRefused(what, () => [...episodesOf(record)]);
            if (!honest) believed++;
          }
        }
        rmSync(folder, { recursive: true });
      }),
      { numRuns: RUNS },
    );
    assert.ok(taken > RUNS / 100 && believed > 0, `${taken} were taken, ${believed} of them forged`);
  });

  it(`with the actions of episodes are their results' or refused, ${RUNS} of them`, () => {
    const lines = readFileSync(join(evaluation, ACTIONS_FILE), "utf8").trimEnd().split("\n");
    let taken = 0;
    fc.assert(
      fc.property(fc.nat(lines.length - 1), CHANGES, (which, changes) => {
        const line = JSON.stringify(changed(JSON.parse(lines[which]!), changes));
        let episode;
        try {
          episode = episodeIn(line);
        } catch (error) {
          // Its callers say which file and line.
          assert.ok(
            error instanceof Error && !/is not a function|Cannot read|undefined \(/.test(error.message),
            String(error),
          );
          if (error.name === "InputError") assertRefusal(error, line);
          return;
        }
        taken++;
        assert.deepEqual(episodeIn(lineOf(episode)), episode, line);
      }),
      { numRuns: RUNS },
    );
    assert.ok(taken > RUNS / 50, `${taken} were taken`);
  });

  it(`that are journals give back episodes that were written, and nothing else, ${RUNS} of them`, () => {
    const results = readRecord(evaluation).results;
    const written = [...episodesOf(readRecord(evaluation))].map((kept, i) => ({ kept, result: results[i]! }));
    const folder = at("journal");
    const id = "rule-test-0123456789";
    const file = join(folder, ".unfinished", `${id}.jsonl`);
    const journal = new Journal(folder, id, 0);
    for (const one of written) journal.add(one);
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    const line = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...lines) },
      fc
        .tuple(fc.constantFrom(...lines), CHANGES)
        .map(([one, changes]) => JSON.stringify(changed(JSON.parse(one), changes))),
      fc.tuple(fc.constantFrom(...lines), fc.nat(400)).map(([one, cut]) => one.slice(0, cut)),
      fc.string({ unit: "binary" }),
    );
    let given = 0;
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (all) => {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, all.join("\n"));
        const read = new Journal(folder, id, 0).read((seed, goal) => seed === 0 && goal < written.length);
        for (const one of read) assert.deepEqual(one, written[one.result.goal]);
        const whole = new Set(all.filter((one) => lines.includes(one)));
        assert.ok(read.length >= whole.size, "what is whole is kept");
        given += read.length;
      }),
      { numRuns: RUNS },
    );
    assert.ok(given > RUNS / 2);
  });
});
