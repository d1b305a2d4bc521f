/** Training in a cell, and an interrupt. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { TestKernel, temporaryFolder, textOf } from "../../notebook/helpers.js";

describe("an interrupt of a training cell", function () {
  this.timeout(180000);
  const kernel = new TestKernel();
  const folder = temporaryFolder();

  it("ends training after its iteration, with a checkpoint, and says so", async () => {
    const out = path.join(folder, "run");
    const setup = await kernel.run(`import { runGrpo } from "./lib/runs/index.js";
import { saveTinyModel, tinyRun, tinyShop } from "./test/runs/tiny-run.js";
const environment = tinyShop();
saveTinyModel(${JSON.stringify(path.join(folder, "model"))}, environment);
const config = tinyRun(${JSON.stringify(path.join(folder, "model"))}, { iterations: 500, evaluate: { every: 500, goals: 4 } });`);
    assert.equal(setup.status, "ok", JSON.stringify(setup.outputs));
    const { status, outputs } = await kernel.interrupted(
      `let reached = 0;
const summary = await runGrpo({ config, environment, out: ${JSON.stringify(out)}, resume: false,
  onIteration: ({ iteration }) => { reached = iteration; console.log(iteration === 2 ? "ready" : iteration); } });`,
    );
    assert.equal(status, "error");
    const said =
      /^Interrupted: training stopped after iteration (\d+) of 500; its checkpoint is in .*run/.exec(
        textOf(outputs, "stderr"),
      );
    assert.ok(said, JSON.stringify(outputs));
    const stopped = Number(said[1]);
    assert.ok(stopped < 500);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.equal(await kernel.value("reached"), String(stopped), "nothing trains on");
    const progress = JSON.parse(readFileSync(path.join(out, "progress.json"), "utf8")) as {
      iteration: number;
    };
    assert.equal(progress.iteration, stopped);
  });
});
