import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

describe("cli: a reader that goes away", function () {
  this.timeout(120_000);

  it("ends a verb silently and with 0, on either stream", function () {
    if (process.platform === "win32" || spawnSync("bash", ["--version"]).status !== 0) this.skip();
    const run = (command: string): { codes: string; stderr: string; stdout: string } => {
      const { stdout, stderr } = spawnSync("bash", ["-c", `${command}; echo "\${PIPESTATUS[*]}"`], {
        encoding: "utf8",
        env: { ...process.env, NODE: process.execPath },
      });
      const lines = stdout.trimEnd().split("\n");
      return { codes: lines.pop()!, stdout: lines.join("\n"), stderr };
    };
    const { codes, stderr } = run(`"$NODE" lib/aisle.mjs evaluate --help | head -1`);
    assert.deepEqual([codes, stderr], ["0 0", ""]);
    // `true` reads nothing and is gone before the first line is written.
    const empty = mkdtempSync(join(tmpdir(), "aisle-pipes-"));
    assert.equal(run(`"$NODE" lib/aisle.mjs records --runs "${empty}" --json | true`).codes, "0 0");
    rmSync(empty, { recursive: true });
    // A mistake stays a mistake when nobody reads what it was.
    assert.equal(run(`"$NODE" lib/aisle.mjs search 2>&1 >/dev/null | true`).codes, "2 0");
  });
});
