/** Imitation as a real command that is killed. */
import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ImitateConfig, workFolder } from "../../../lib/imitation/index.js";
import { imitate, pretrain } from "../../../lib/runs/index.js";
import { buildCatalogue, openCatalogue, recipeSource } from "../../../lib/simulator/index.js";
import { tinyImitation, tinyPretraining } from "../../imitation/tiny.js";

describe("imitation that is killed", function () {
  this.timeout(120_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-imitation-kills-"));
  const out = (name: string): string => join(root, name);
  const bytes = (folder: string): Buffer => readFileSync(join(folder, "model.safetensors"));
  const config = (name: string): ImitateConfig => tinyImitation(out(name), out("base"));

  before(async () => {
    await buildCatalogue(recipeSource({ products: 400, seed: 5 }), join(root, "shop"));
    await pretrain(tinyPretraining(out("base")), { cache: join(root, "cache") });
    const shop = openCatalogue(join(root, "shop"));
    await imitate(config("whole"), shop);
    shop.close();
  });
  after(() => {
    for (const name of ["base", "whole", "killed"])
      rmSync(workFolder(out(name)), { recursive: true, force: true });
    rmSync(root, { recursive: true, force: true });
  });

  it("goes on to the same bytes after being killed at any moment", async () => {
    const file = join(root, "killed.json");
    writeFileSync(file, JSON.stringify({ ...config("killed"), data: join(root, "shop") }));
    const checkpoint = join(workFolder(out("killed")), "progress.json");
    const run = (until: () => boolean, ...flags: string[]): Promise<number | null> =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, ["lib/aisle.mjs", "train", file, ...flags], {
          stdio: "ignore",
          env: { ...process.env, AISLE_WORKERS: "0" },
        });
        const timer = setInterval(() => until() && child.kill("SIGKILL"), 5);
        child.on("exit", (code) => {
          clearInterval(timer);
          resolve(code);
        });
      });
    assert.equal(await run(() => existsSync(checkpoint)), null);
    assert.equal(await run(() => false, "--resume"), 0);
    assert.deepEqual(bytes(out("killed")), bytes(out("whole")));
  });
});
