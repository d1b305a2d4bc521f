import { strict as assert } from "node:assert";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "../../lib/base/index.js";
import { PRESETS } from "../../lib/grpo/index.js";
import { parseGrpoRun } from "../../lib/study/index.js";

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
    const floors = ["reinforce", "reinforce++-baseline"];
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
});
