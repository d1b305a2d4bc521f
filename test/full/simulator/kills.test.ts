import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  buildCatalogue,
  isCatalogue,
  openCatalogue,
  recipeSource,
} from "../../../lib/simulator/catalogue/index.js";

/** Kills its own process before or after its n-th change of a name in the file system. */
const PRELOAD = `
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
let left = Number(process.env.KILL_AT);
for (const name of ["renameSync", "rmSync"]) {
  const real = fs[name];
  fs[name] = (...given) => {
    const last = left-- === 0;
    const die = () => { process.kill(process.pid, "SIGKILL"); for (;;); };
    if (last && process.env.KILL_WHEN === "before") die();
    real(...given);
    if (last) die();
  };
}
syncBuiltinESMExports();
`;

describe("full: a builder killed at each rename and removal", function () {
  this.timeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), "aisle-kills-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const [shop, preload, script] = ["shop", "kill.mjs", "build.mts"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  before(function () {
    if (process.platform === "win32") this.skip();
    writeFileSync(preload, PRELOAD);
    const index = pathToFileURL(resolve("lib/simulator/catalogue/index.ts")).href;
    writeFileSync(
      script,
      `import { buildCatalogue, recipeSource } from ${JSON.stringify(index)};
await buildCatalogue(recipeSource({ products: 41 }), ${JSON.stringify(shop)});`,
    );
  });

  /** Builds 41 products in a process that kills itself. Whether it was killed. */
  function build(at: number, when: "before" | "after"): boolean {
    const { signal, status, stderr } = spawnSync(
      process.execPath,
      ["--import", pathToFileURL(preload).href, "--import", "tsx", script],
      { env: { ...process.env, KILL_AT: String(at), KILL_WHEN: when }, encoding: "utf8" },
    );
    assert.ok(signal === "SIGKILL" || status === 0, stderr);
    return signal === "SIGKILL";
  }

  it("leaves the old shop or the new one, whole, and nothing else once it is built again", async () => {
    const found = new Set<number>();
    let killed = 0;
    for (const when of ["before", "after"] as const) {
      for (let at = 0; ; at++) {
        for (const name of readdirSync(folder))
          if (name.startsWith("shop")) rmSync(join(folder, name), { recursive: true });
        await buildCatalogue(recipeSource({ products: 40 }), shop);
        if (!build(at, when)) break;
        killed++;
        assert.ok(isCatalogue(shop), `${when} ${at}`);
        const opened = openCatalogue(shop);
        found.add(opened.size);
        opened.close();
        await buildCatalogue(recipeSource({ products: 40 }), shop);
        assert.deepEqual(
          readdirSync(folder).filter((name) => name.startsWith("shop.")),
          [],
          `${when} ${at}`,
        );
      }
    }
    assert.ok(killed >= 8, `${killed} kills`);
    assert.deepEqual([...found].sort(), [40, 41]);
    assert.ok(existsSync(shop));
  });
});
