/** Configurations of runs and sweeps, and settings given beside them, as nobody would write them. */
import { strict as assert } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { planSweep, runKindOf, withSettings } from "../../../lib/runs/index.js";
import { expandSweep } from "../../../lib/runs/sweeps/plan.js";
import { assertRefusal, changed, CHANGES, NAMES, ODD, RUNS, takenOrRefused } from "../boundary.js";

const read = (folder: string): unknown[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as unknown);
const runs = [...read("configs"), ...read("configs/ablations"), ...read("configs/shapes")];
const sweeps = read("configs/sweeps");

/** Every path of a value's objects, with dots. */
function pathsOf(value: unknown, before: readonly string[] = []): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    [...before, name].join("."),
    ...pathsOf(inner, [...before, name]),
  ]);
}

/** Reads a configuration, whole: what is taken is complete, finite, and read again as itself. */
function parse(value: unknown): object | undefined {
  const taken = takenOrRefused(JSON.stringify(value), () => {
    const kind = runKindOf(value, "here.json");
    const config = kind.parse(value, "here.json");
    const { name, seed, iterations, out } = kind.facts(config);
    return { kind, config, facts: { name, seed, iterations, out } };
  });
  if (!taken) return undefined;
  const { kind, config, facts } = taken;
  assert.ok(typeof facts.name === "string" && facts.name !== "" && Number.isSafeInteger(facts.seed));
  assert.ok(Number.isSafeInteger(facts.iterations) && facts.iterations >= 0 && facts.out !== "");
  const stored: unknown = JSON.parse(
    JSON.stringify(config, (_, inner: unknown) => {
      assert.ok(typeof inner !== "number" || Number.isFinite(inner), JSON.stringify(value));
      return inner;
    }),
  );
  assert.deepEqual(kind.resolved(stored, "here.json"), config, JSON.stringify(value));
  return config;
}

describe("full: configurations", function () {
  this.timeout(1_200_000);

  it(`are taken whole or refused in a sentence, ${RUNS} of them`, () => {
    let taken = 0;
    for (const value of runs) parse(value);
    fc.assert(
      fc.property(fc.constantFrom(...runs), CHANGES, (base, changes) => {
        if (parse(changed(base, changes))) taken++;
      }),
      { numRuns: RUNS },
    );
    assert.ok(taken > RUNS / 100 && taken < RUNS * 0.9, `${taken} were taken`);
  });

  it(`take settings beside the file, ${RUNS} of them`, () => {
    const value = fc.oneof(
      ODD.map((odd) => JSON.stringify(odd)),
      fc.string(),
      fc.constantFrom("1e-4", "NaN", "Infinity", "01", "", "="),
    );
    const paths = [...new Set(runs.flatMap((run) => pathsOf(run)))];
    const path = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...paths) },
      fc.tuple(fc.constantFrom(...paths), NAMES).map(([at, name]) => `${at}.${name}`),
      NAMES,
      fc.string(),
    );
    const setting = fc.oneof(
      { weight: 6, arbitrary: fc.tuple(path, value).map(([at, to]) => `${at}=${to}`) },
      fc.string(),
    );
    let taken = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...runs),
        fc.array(setting, { minLength: 1, maxLength: 2 }),
        (base, settings) => {
          const before = JSON.stringify(base);
          const content = takenOrRefused(settings.join(" "), () => withSettings(base, settings, "here.json"));
          assert.equal(JSON.stringify(base), before);
          assert.equal(({} as { polluted?: unknown })["polluted"], undefined);
          if (content === undefined) return;
          // The last setting of a path is what the content says there.
          const [at, to] = /^([^=]*)=(.*)$/s.exec(settings.at(-1)!)!.slice(1) as [string, string];
          const there = at
            .split(".")
            .reduce<unknown>((all, name) => (all as Record<string, unknown>)[name], content);
          let meant: unknown = to;
          try {
            meant = JSON.parse(to);
          } catch {
            // text, as it stands
          }
          assert.deepEqual(there, meant);
          if (parse(content)) taken++;
        },
      ),
      { numRuns: RUNS },
    );
    assert.ok(taken > RUNS / 500, `${taken} were taken`);
  });

  it(`of sweeps are written out or refused, ${RUNS} of them`, async () => {
    let taken = 0;
    for (const sweep of sweeps) await planSweep(sweep, "here.json");
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...sweeps), CHANGES, async (base, changes) => {
        const value = changed(base, changes);
        takenOrRefused(JSON.stringify(value), () => expandSweep(value, "here.json"));
        try {
          const { runs: all, name } = await planSweep(value, "here.json");
          assert.ok(name !== "" && new Set(all.map(({ id }) => id)).size === all.length);
          for (const { id } of all) assert.match(id, /^[^/\\\s]+$/);
          taken++;
        } catch (error) {
          if ((error as Error).name === "AssertionError") throw error;
          assertRefusal(error, JSON.stringify(changes));
        }
      }),
      { numRuns: RUNS },
    );
    assert.ok(taken > RUNS / 500, `${taken} were taken`);
  });
});
