import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunFolder } from "../../lib/runs/index.js";
import { buildCatalogue, openCatalogue, openEnvironment, recipeSource } from "../../lib/simulator/index.js";
import { saveTinyModel, tinyRun } from "./tiny-run.js";

describe("aisle train without workers", function () {
  this.timeout(120_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-interrupts-"));
  after(() => rmSync(root, { recursive: true, force: true }));

  it("hears Ctrl-C and SIGTERM, finishes the iteration, says so, and goes on later", async function () {
    if (process.platform === "win32") this.skip();
    await buildCatalogue(recipeSource({ products: 300, seed: 3 }), join(root, "shop"));
    const shop = openCatalogue(join(root, "shop"));
    saveTinyModel(join(root, "start"), openEnvironment(shop));
    shop.close();
    const { learner, ...run } = tinyRun(join(root, "start"), { iterations: 2000, checkpoint: 2000 });
    const { groups, sampling, update } = learner;
    const file = join(root, "run.json");
    writeFileSync(
      file,
      JSON.stringify({
        ...run,
        data: join(root, "shop"),
        workers: 0,
        groups: { tasks: groups.tasks, size: groups.size },
        sampling: { maxTokens: sampling.maxTokens },
        update: { learningRate: update.learningRate },
      }),
    );
    let reached = 0;
    for (const [signal, code] of [
      ["SIGINT", 130],
      ["SIGTERM", 143],
    ] as const) {
      const flags = ["train", file, "--out", join(root, "out"), "--resume", "--set", "evaluate.every=2000"];
      const child = spawn(process.execPath, ["lib/aisle.mjs", ...flags], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      let said = "";
      let told = false; // once: a second signal would stop it at once
      child.stderr.on("data", (chunk: Buffer) => {
        said += chunk.toString("utf8");
        if (told || !/return /.test(said)) return;
        told = true;
        child.kill(signal);
      });
      assert.equal(await new Promise((resolve) => child.on("close", resolve)), code, said);
      assert.match(said, /Finishing this iteration \(again to stop at once\)/);
      assert.match(said, /Stopped after \d+ iterations; --resume goes on/);
      const { iteration } = new RunFolder(join(root, "out")).progress()!;
      assert.ok(iteration > reached, "what was finished is kept, and gone on from");
      reached = iteration;
    }
  });
});
