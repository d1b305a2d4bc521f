/** A notebook's run repeated, and how it ends when a cell hangs or a signal comes (one of each is in test/notebook/run.test.ts). */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { readNotebook, runNotebook } from "../../../lib/notebook/index.js";
import {
  aisle,
  book,
  cell,
  isAlive,
  outputsOf,
  pidCell,
  pidIn,
  put,
  temporaryFolder,
  until,
} from "../../notebook/helpers.js";

describe("a notebook's run, again and to its end", function () {
  this.timeout(60000);
  const folder = temporaryFolder();
  const posix = process.platform !== "win32";

  it("writes the same bytes each time, and after a run with parameters those of the plain run again", async () => {
    const given = book(cell("const n: number = 2;", "parameters"), cell("console.log(n);\nn * 2"));
    const file = put(folder, "good.ipynb", given);
    await runNotebook(file);
    const bytes = readFileSync(file, "utf8");
    const out = path.join(folder, "out.ipynb");
    await runNotebook(file, { out, parameters: { n: "5" } });
    assert.notEqual(readFileSync(out, "utf8"), bytes);
    await runNotebook(out, {});
    assert.equal(readFileSync(out, "utf8"), bytes);
  });

  it("says with what a cell ended the kernel", async () => {
    const exits = put(folder, "exits.ipynb", book(cell("process.exit(7)")));
    await assert.rejects(runNotebook(exits), /exit code 7/);
  });

  it("stops a cell that hangs, whether it waits, computes, or will not be interrupted", async function () {
    const hang = async (name: string, source: string): Promise<void> => {
      const pid = path.join(folder, `${name}.pid`);
      const file = put(folder, `${name}.ipynb`, book(pidCell(pid, source)));
      await assert.rejects(runNotebook(file, { timeoutSeconds: 2 }), /cell 1 of 1[^]*stopped after 2 s/);
      assert.ok(!isAlive(pidIn(pid)), "the kernel is gone");
    };
    await Promise.all([
      hang("waits", "await new Promise(() => {});"),
      hang("computes", "for (;;) {}"),
      hang("stubborn", "await null;\nfor (;;) {}"),
    ]);
  });

  for (const [signal, exitCode] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const) {
    it(`ends cleanly on ${signal}, with what ran saved and no process left`, async function () {
      if (!posix) {
        process.stderr.write("      skipped on Windows: it has no signals to send\n");
        this.skip();
      }
      const pid = path.join(folder, `${signal}.pid`);
      const file = put(
        folder,
        `${signal}.ipynb`,
        book(cell("'first'"), pidCell(pid, "await new Promise(() => {});"), cell("3")),
      );
      const { child, ended } = aisle(["notebook", file]);
      await until(() => readdirSync(folder).includes(`${signal}.pid`), 30000);
      child.kill(signal);
      const { code, stderr } = await ended;
      assert.equal(code, exitCode, stderr);
      assert.match(stderr, /cell 2 of 3[^]*interrupted/);
      assert.ok(!isAlive(pidIn(pid)));
      assert.equal(outputsOf(readNotebook(file))[0]!.length, 1);
    });
  }

  it("leaves no kernel behind even when the runner is killed, and the notebook as it was", async function () {
    if (!posix) {
      process.stderr.write("      skipped on Windows: it has no signals to send\n");
      this.skip();
    }
    const pid = path.join(folder, "killed.pid");
    const file = put(folder, "killed.ipynb", book(pidCell(pid, "for (;;) {}")));
    const before = readFileSync(file, "utf8");
    const { child, ended } = aisle(["notebook", file]);
    await until(() => readdirSync(folder).includes("killed.pid"), 30000);
    child.kill("SIGKILL");
    await ended;
    await until(() => !isAlive(pidIn(pid)));
    assert.equal(readFileSync(file, "utf8"), before);
  });
});
