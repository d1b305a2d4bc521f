import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

describe("the command's entry", function () {
  this.timeout(60_000);
  const entry = resolve("lib/aisle.mjs");
  const run = (cwd: string, ...args: readonly string[]) =>
    spawnSync(process.execPath, [entry, ...args], { cwd, encoding: "utf8" });

  it("says where to run from a subfolder, instead of finding nothing there", () => {
    const { status, stdout, stderr } = run("docs", "records", "--json");
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /^aisle: run this in the project's folder \(cd \.\.\)/);
  });

  it("answers --help and --version anywhere", () => {
    assert.equal(run(tmpdir(), "--version").status, 0);
    assert.match(run(tmpdir(), "data", "--help").stdout, /^Usage: aisle data/);
  });

  it("refuses a Node that is too old in one sentence, before anything is loaded", () => {
    const root = mkdtempSync(join(tmpdir(), "aisle-entry-"));
    try {
      mkdirSync(join(root, "lib"));
      cpSync(entry, join(root, "lib/aisle.mjs"));
      writeFileSync(
        join(root, "package.json"),
        JSON.stringify({ type: "module", engines: { node: ">=99.7" } }),
      );
      const old = spawnSync(process.execPath, ["lib/aisle.mjs", "doctor"], { cwd: root, encoding: "utf8" });
      assert.equal(old.status, 2);
      assert.equal(
        old.stderr,
        `aisle: Aisle needs Node 99.7 or newer, and this is Node ${process.versions.node}; install one from nodejs.org.\n`,
      );
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
