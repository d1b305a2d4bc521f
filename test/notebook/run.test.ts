/** Whole runs: the library's function, and the command with real processes around it. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { InputError } from "../../lib/base/index.js";
import { CellError, readNotebook, runNotebook, type RunProgress } from "../../lib/notebook/index.js";
import { aisle as aisleHere } from "../cli/run.js";
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
} from "./helpers.js";

describe("running a notebook", function () {
  this.timeout(60000);
  const folder = temporaryFolder();
  const posix = process.platform !== "win32";

  it("writes outputs, counts and the kernel's name; parameters", async () => {
    const given = book(
      cell("# Title"),
      cell("const n: number = 2;", "parameters"),
      cell(""),
      cell("console.log(n);\nn * 2"),
    );
    const file = put(folder, "good.ipynb", { ...given, nbformat_minor: 5 });
    const seen: RunProgress[] = [];
    const result = await runNotebook(file, { onProgress: (progress) => seen.push(progress) });
    assert.equal(result.cells, 2);
    assert.deepEqual(
      seen.map(({ cell, cells }) => [cell, cells]),
      [
        [1, 2],
        [2, 2],
        [3, 2],
      ],
    );
    const bytes = readFileSync(file, "utf8");
    const ran = readNotebook(file);
    assert.deepEqual(
      ran.cells.map((one) => one.execution_count),
      [undefined, 1, null, 2],
    );
    assert.deepEqual(
      ran.cells.map((one) => one.id),
      ["cell-0", "cell-1", "cell-2", "cell-3"],
    );
    assert.equal((ran.metadata["kernelspec"] as { name: string }).name, "aisle");
    assert.equal((ran.metadata["language_info"] as { name: string }).name, "typescript");
    assert.deepEqual(outputsOf(ran)[2], [
      { output_type: "stream", name: "stdout", text: "2\n" },
      { output_type: "execute_result", data: { "text/plain": "4" }, metadata: {}, execution_count: 2 },
    ]);

    const out = path.join(folder, "out.ipynb");
    await runNotebook(file, { out, parameters: { n: "5" } });
    assert.deepEqual(outputsOf(readNotebook(out))[3]![0], {
      output_type: "stream",
      name: "stdout",
      text: "5\n",
    });
    assert.equal(readFileSync(file, "utf8"), bytes, "the source is untouched");
  });

  it("stops at a failing cell, names it, and saves what ran", async () => {
    const file = put(
      folder,
      "bad.ipynb",
      book(cell("1"), cell(" "), cell('const a = 1;\nthrow new RangeError("too far");'), cell("2")),
    );
    const { code, stderr, stdout } = await aisleHere(["notebook", file]);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.ok(
      stderr.includes(
        `${file} failed in cell 2 of 3, line 2:\n    throw new RangeError("too far");\nRangeError: too far`,
      ),
      stderr,
    );
    const outputs = outputsOf(readNotebook(file));
    assert.deepEqual(
      outputs.map((one) => one[0]?.output_type),
      ["execute_result", undefined, "error", undefined],
    );
  });

  it("says when the kernel dies under a cell", async () => {
    const file = put(
      folder,
      "dies.ipynb",
      book(cell("1"), cell("process.kill(process.pid, 'SIGKILL');"), cell("2")),
    );
    await assert.rejects(
      runNotebook(file),
      (error) =>
        error instanceof CellError &&
        error.cell === 2 &&
        /kernel was killed by SIGKILL|ended with exit code/.test(error.message),
    );
    assert.deepEqual(
      outputsOf(readNotebook(file)).map((one) => one.length),
      [1, 0, 0],
    );
  });

  it("stops a cell that computes and will not be interrupted", async () => {
    const pid = path.join(folder, "stubborn.pid");
    const file = put(folder, "stubborn.ipynb", book(pidCell(pid, "await null;\nfor (;;) {}")));
    await assert.rejects(runNotebook(file, { timeoutSeconds: 1 }), /cell 1 of 1[^]*stopped after 1 s/);
    assert.ok(!isAlive(pidIn(pid)), "the kernel is gone");
  });

  it("ends cleanly on a signal, with what ran saved and no process left", async function () {
    if (!posix) {
      process.stderr.write("      skipped on Windows: it has no signals to send\n");
      this.skip();
    }
    const pid = path.join(folder, "signal.pid");
    const waits = pidCell(pid, "await new Promise(() => {});");
    const file = put(folder, "signal.ipynb", book(cell("'first'"), waits, cell("3")));
    const { child, ended } = aisle(["notebook", file]);
    await until(() => readdirSync(folder).includes("signal.pid"), 30000);
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /cell 2 of 3[^]*interrupted/);
    assert.ok(!isAlive(pidIn(pid)));
    assert.equal(outputsOf(readNotebook(file))[0]!.length, 1);
  });

  it("takes along what a cell has started", async function () {
    if (!posix) {
      process.stderr.write("      skipped on Windows: it has no signals to send\n");
      this.skip();
    }
    const pid = path.join(folder, "child.pid");
    const source = `import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
writeFileSync(${JSON.stringify(pid)}, String(child.pid));
setInterval(() => {}, 1000);
0`;
    await runNotebook(put(folder, "child.ipynb", book(cell(source))));
    await until(() => !isAlive(pidIn(pid)), 2000);
  });

  it("tells why a kernel does not start", async () => {
    const file = put(folder, "nostart.ipynb", book(cell("1")));
    const script = 'console.error("a package is missing"); process.exit(3)';
    await assert.rejects(
      runNotebook(file, { kernel: { command: [process.execPath, "-e", script] } }),
      /exit code 3; it said:\na package is missing/,
    );
    await assert.rejects(
      runNotebook(file, {
        kernel: { command: [process.execPath, "-e", "setInterval(() => {}, 1000)"], startSeconds: 1 },
      }),
      /did not answer within 1 s/,
    );
    await assert.rejects(
      runNotebook(file, { kernel: { command: ["no-such-program"] } }),
      /could not be started/,
    );
  });

  it("refuses bad input in a sentence with exit code 2", async () => {
    const file = put(folder, "fine.ipynb", book(cell("const n = 1;", "parameters")));
    const python = put(folder, "python.ipynb", {
      ...book(cell("1")),
      metadata: { kernelspec: { language: "python", name: "python3" } },
    });
    const calls: [string[], RegExp][] = [
      [[path.join(folder, "none.ipynb")], /Could not read the notebook .*none\.ipynb: it does not exist/],
      [[put(folder, "text.ipynb", "hello")], /is not JSON/],
      [[put(folder, "cut.ipynb", '{"cells": [{"cell_type": "co')], /is not JSON/],
      [[python], /written in python/],
      [[file, "--param", "m=1"], /no parameter "m": it has n/],
      [[file, "--param", "n=x"], /is a number/],
      [[file, "--timeout", "soon"], /--timeout must be a positive number/],
      [[file, "--frobnicate"], /unknown option/],
      [[file, "--out", path.join(file, "below.ipynb")], /cannot be written/],
    ];
    const before = readFileSync(file, "utf8");
    const results = await Promise.all(calls.map(([args]) => aisleHere(["notebook", ...args])));
    results.forEach(({ code, stderr }, index) => {
      assert.match(stderr, calls[index]![1]);
      assert.equal(code, 2, stderr);
      assert.ok(stderr.trim().split("\n").length <= 2, stderr);
    });
    assert.equal(readFileSync(file, "utf8"), before);
    assert.ok(!readdirSync(folder).some((name) => name.endsWith(".part")));
  });

  it("refuses a folder that cannot be written before it runs anything", async function () {
    if (!posix || process.getuid?.() === 0) {
      // The same refusal is seen above through a path below a file.
      process.stderr.write("      skipped: root, and Windows, may write anywhere\n");
      this.skip();
    }
    const locked = path.join(folder, "locked");
    mkdirSync(locked);
    const file = put(locked, "x.ipynb", book(cell("1")));
    chmodSync(locked, 0o555);
    try {
      await assert.rejects(
        runNotebook(file),
        (error) => error instanceof InputError && /permission/.test(error.message),
      );
    } finally {
      chmodSync(locked, 0o755);
    }
  });
});
