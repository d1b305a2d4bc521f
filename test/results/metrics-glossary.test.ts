import { strict as assert } from "node:assert";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { metricsOf, trainingRecords } from "../../lib/records/index.js";
import { RunFolder, runGrpo } from "../../lib/runs/index.js";
import { saveTinyModel, tinyRun, tinyShop } from "../runs/tiny-run.js";

/** The names that the glossary explains, with its short forms written out: `a/b`, `c` is a/b and a/c, unless c stands alone. */
function explained(): { metrics: Set<string>; times: Set<string> } {
  const text = readFileSync("docs/metrics.md", "utf8");
  const [metrics, times] = text.split(/^## Times$/m).map((part) => {
    const names = new Set<string>();
    for (const [, cell] of part.matchAll(/^\|([^|]*)\|/gm)) {
      let family = "";
      for (const [, name] of cell!.matchAll(/`([^`]+)`/g)) {
        if (name!.includes("/")) family = name!.split("/")[0]!;
        names.add(family && !name!.includes("/") ? `${family}/${name}` : name!);
      }
    }
    return names;
  });
  return { metrics: metrics!, times: times! };
}

describe("the metric glossary", function () {
  this.timeout(120_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-glossary-"));
  const environment = tinyShop();
  const model = join(root, "model");
  before(() => saveTinyModel(model, environment));
  after(() => rmSync(root, { recursive: true, force: true }));

  it("explains every number that training writes, and none that it does not", async () => {
    const multiTurn = {
      protocol: "multi-turn",
      multiTurn: { maxSteps: 2 },
      evaluate: { every: 1, goals: 2 },
    };
    const runs: Record<string, object> = {
      grpo: { preset: "grpo", reward: { kind: "success", overlong: { buffer: 2, factor: 0.1 } } },
      gigpo: { ...multiTurn, preset: "gigpo" },
      ppo: { ...multiTurn, preset: "ppo", reward: { invalidPenalty: 0.1 } },
    };
    const written = new Set(
      trainingRecords().flatMap((record) => metricsOf(record).flatMap((line) => Object.keys(line as object))),
    );
    const timed = new Set<string>();
    for (const [name, more] of Object.entries(runs)) {
      const out = join(root, name);
      await runGrpo({ config: tinyRun(model, { iterations: 1, ...more }), environment, out, resume: false });
      for (const line of new RunFolder(out).metrics() as object[]) {
        Object.keys(line).forEach((key) => written.add(key));
      }
      for (const line of readFileSync(join(out, "timing.jsonl"), "utf8").trim().split("\n")) {
        Object.keys(JSON.parse(line) as object).forEach((key) => timed.add(key));
      }
    }
    const { metrics, times } = explained();
    const without = (all: Set<string>, known: Set<string>): string[] =>
      [...all].filter((name) => !known.has(name)).sort();
    assert.deepEqual(without(written, metrics), [], "written, and not in docs/metrics.md");
    assert.deepEqual(without(metrics, written), [], "in docs/metrics.md, and never written");
    timed.delete("iteration");
    assert.deepEqual(without(timed, times), [], "timed, and not in docs/metrics.md");
    assert.deepEqual(without(times, timed), [], "in docs/metrics.md, and never timed");
  });
});
