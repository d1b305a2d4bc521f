/** Training as a real command that is killed: what was finished stays, and the rest comes out as if nothing had happened. */
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stream } from "../../../lib/base/index.js";
import { RunFolder } from "../../../lib/runs/index.js";
import {
  buildCatalogue,
  openCatalogue,
  openEnvironment,
  recipeSource,
} from "../../../lib/simulator/index.js";
import { saveTinyModel } from "../../runs/tiny-run.js";

describe("a run that is killed", function () {
  this.timeout(300_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-kills-"));
  after(() => rmSync(root, { recursive: true, force: true }));

  it("loses nothing but the current iteration when it is killed, whenever that is", async () => {
    const shop = join(root, "shop");
    await buildCatalogue(recipeSource({ products: 200, seed: 8 }), shop);
    const catalogue = openCatalogue(shop);
    const start = join(root, "shop-model");
    saveTinyModel(start, openEnvironment(catalogue));
    catalogue.close();
    const file = join(root, "run.json");
    writeFileSync(
      file,
      JSON.stringify({
        kind: "grpo",
        name: "killed",
        model: start,
        data: shop,
        preset: "grpo",
        groups: { tasks: 2, size: 3 },
        sampling: { maxTokens: 6 },
        update: { learningRate: 1e-3 },
        iterations: 8,
        evaluate: { every: 4, goals: 2 },
        checkpoint: 1,
        workers: 0,
      }),
    );
    /** Trains to the end, or until `lines` of metrics are there and a little more: then kill -9. */
    const train = (out: string, resume: boolean, kill?: { iterations: number; after: number }) =>
      new Promise<number | null>((resolve) => {
        const flags = ["train", file, "--out", out, resume ? "--resume" : "--force"];
        const child = spawn(process.execPath, ["lib/aisle.mjs", ...flags], {
          stdio: ["ignore", "ignore", "pipe"],
        });
        let seen = 0;
        let said = "";
        child.stderr.on("data", (chunk: Buffer) => {
          said += chunk.toString("utf8");
          seen = said.match(/return /g)?.length ?? 0;
          if (kill && seen >= kill.iterations) setTimeout(() => child.kill("SIGKILL"), kill.after);
        });
        child.on("close", (code) => resolve(code));
      });
    const [whole, killed] = [join(root, "whole"), join(root, "killed")];
    assert.equal(await train(whole, false), 0);
    const random = stream(1, "kills");
    let done = -1;
    for (let attempt = 0; attempt < 3; attempt++) {
      const code = await train(killed, attempt > 0, {
        iterations: 1 + random.below(2),
        after: random.below(60),
      });
      if (code === 0) break;
      const reached = new RunFolder(killed).progress()?.iteration ?? 0;
      assert.ok(reached >= done, "what was finished stays");
      done = reached;
    }
    assert.equal(await train(killed, true), 0);
    for (const name of ["metrics.jsonl", "model/model.safetensors", "progress.json"]) {
      assert.deepEqual(readFileSync(join(killed, name)), readFileSync(join(whole, name)), name);
    }
    const leftOver = readdirSync(killed).filter((name) => name.endsWith(".part"));
    assert.deepEqual(leftOver, []);
  });
});
