import { strict as assert } from "node:assert";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readJson } from "../../lib/base/index.js";
import { PRESETS } from "../../lib/grpo/index.js";
import { type GrpoRun, parseGrpoRun, runGrpo } from "../../lib/runs/index.js";
import { saveTinyModel, tinyShop } from "./tiny-run.js";

describe("the configurations that come with the project", () => {
  const runs = readdirSync("configs")
    .filter((name) => name.endsWith(".json"))
    .map((name) => ({ name, value: readJson(join("configs", name), "configuration") as { kind?: string } }))
    .filter(({ value }) => value.kind === "grpo");

  it("are whole, and named as their files", () => {
    for (const { name, value } of runs) assert.equal(`${parseGrpoRun(value, name).name}.json`, name);
  });

  it("run every algorithm that is not only a floor", () => {
    const used = new Set(runs.map(({ name, value }) => parseGrpoRun(value, name).preset));
    const floors = ["reinforce", "reinforce-pp-baseline"];
    for (const preset of Object.keys(PRESETS)) assert.ok(used.has(preset) || floors.includes(preset), preset);
  });

  it("give GiGPO and GRPO the same roll-outs", () => {
    const [gigpo, grpo] = ["gigpo.json", "grpo-multi-turn.json"].map(
      (name) => parseGrpoRun(runs.find((run) => run.name === name)!.value).learner,
    );
    for (const part of ["groups", "reward", "sampling", "update", "objective"] as const) {
      assert.deepEqual(gigpo![part], grpo![part], part);
    }
  });

  describe("in a tiny shop", function () {
    this.timeout(60_000);
    const root = mkdtempSync(join(tmpdir(), "aisle-configs-"));
    const model = join(root, "model");
    const environment = tinyShop();
    before(() => saveTinyModel(model, environment));
    after(() => rmSync(root, { recursive: true, force: true }));

    /** The configuration as it is, but for what makes it large. */
    const small = (value: object, name: string): GrpoRun => {
      const { multiTurn, groups, reward, ...rest } = value as Record<string, Record<string, unknown>>;
      const branching = multiTurn?.["branching"] as object | undefined;
      return parseGrpoRun(
        {
          ...rest,
          model,
          groups: { ...groups, tasks: 2, size: 3 },
          ...(multiTurn
            ? {
                multiTurn: {
                  ...multiTurn,
                  maxSteps: 2,
                  ...(branching ? { branching: { ...branching, initial: 1 } } : {}),
                },
              }
            : {}),
          // A soft punishment needs room before the limit.
          reward: { ...reward, ...(reward?.["overlong"] ? { overlong: { buffer: 2, factor: 0.2 } } : {}) },
          sampling: { ...rest["sampling"], maxTokens: 6 },
          iterations: 2,
          evaluate: { every: 2, goals: 2 },
          checkpoint: 1,
          workers: 0,
        },
        name,
      );
    };

    for (const { name, value } of runs) {
      it(`${name} runs, stops, and goes on as if it had not stopped`, async () => {
        const config = small(value, name);
        const run = async (folder: string, stopAfter: number | null, resume = false): Promise<boolean> => {
          const controller = new AbortController();
          const summary = await runGrpo({
            config,
            environment,
            out: join(root, folder),
            resume,
            signal: controller.signal,
            onIteration: ({ iteration }) => iteration === stopAfter && controller.abort(),
          });
          return summary.finished;
        };
        assert.equal(await run(`whole-${name}`, null), true);
        assert.equal(await run(`cut-${name}`, 1), false);
        assert.equal(await run(`cut-${name}`, null, true), true);
        const metrics = (folder: string): string => readFileSync(join(root, folder, "metrics.jsonl"), "utf8");
        assert.equal(metrics(`cut-${name}`), metrics(`whole-${name}`));
        const last = JSON.parse(metrics(`whole-${name}`).trim().split("\n").at(-1)!) as Record<
          string,
          number
        >;
        assert.ok(Number.isFinite(last["grad_norm"]) && "dev/score" in last);
      });
    }
  });
});
