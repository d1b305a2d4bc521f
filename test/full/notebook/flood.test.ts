/** Cells that print more than anybody reads, run by the command. */
import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import path from "node:path";
import { readNotebook, runNotebook } from "../../../lib/notebook/index.js";
import { aisle, book, cell, outputsOf, put, temporaryFolder, textOf, until } from "../../notebook/helpers.js";

describe("a cell that floods", function () {
  this.timeout(60000);
  const folder = temporaryFolder();

  it("shows a line of 44 kB whole, and of one of 30 MB the beginning and the end, in seconds", async () => {
    const file = put(
      folder,
      "long.ipynb",
      book(
        cell("console.log(JSON.stringify(Array.from({ length: 9000 }, (_, i) => i)))"),
        cell('process.stdout.write("begin" + "x".repeat(30_000_000) + "end"); 5'),
        cell(
          'for (let i = 0; i < 20; i++) process.stdout.write("y".repeat(1_000_000)); console.log("last line")',
        ),
      ),
    );
    const began = performance.now();
    await runNotebook(file);
    assert.ok(performance.now() - began < 30000, `${performance.now() - began} ms`);
    const [short, long, pieces] = outputsOf(readNotebook(file));
    assert.equal(textOf(short!), `${JSON.stringify(Array.from({ length: 9000 }, (_, i) => i))}\n`);
    const text = textOf(long!);
    assert.ok(text.startsWith("beginxxx") && text.endsWith("xxxend"));
    assert.match(text, /\[This cell has printed 1,048,576 characters\. What follows is left out/);
    assert.match(text, /\[28,9\d\d,\d{3} characters are left out here\.\]/);
    assert.deepEqual(long!.at(-1), {
      output_type: "execute_result",
      data: { "text/plain": "5" },
      metadata: {},
      execution_count: 2,
    });
    assert.ok(textOf(pieces!).endsWith("last line\n"));
    assert.ok(statSync(file).size < 4e6);
  });

  for (const [name, source] of [
    ["prints", 'for (let i = 0; ; i++) console.log("line", i);'],
    ["prints one line", 'for (;;) process.stdout.write("x");'],
    ["writes a line over and over", "for (let i = 0; ; i++) process.stdout.write(`\\rstep ${i}`);"],
    [
      "shows",
      'import { display } from "./lib/notebook/index.js";\nfor (let i = 0; ; i++) display({ "text/plain": String(i) });',
    ],
    [
      "updates",
      'import { liveDisplay } from "./lib/notebook/index.js";\nconst live = liveDisplay("n");\nfor (let i = 0; ; i++) live.show({ "text/plain": String(i) });',
    ],
    [
      "prints between waits",
      'for (let i = 0; ; i++) { console.log("line", i); await new Promise((r) => setImmediate(r)); }',
    ],
  ] as const)
    it(`is stopped by the time limit when it ${name} without end`, async () => {
      const file = put(folder, `${name.replaceAll(" ", "-")}.ipynb`, book(cell(source)));
      const began = performance.now();
      await assert.rejects(runNotebook(file, { timeoutSeconds: 6 }), /stopped after 6 s/);
      assert.ok(performance.now() - began < 40000);
      const [outputs] = outputsOf(readNotebook(file));
      assert.ok(outputs!.length > 0, "what it showed is kept");
      assert.ok(statSync(file).size < 4e6, `${statSync(file).size} bytes`);
    });

  it("is stopped by a signal to the command", async function () {
    if (process.platform === "win32") {
      process.stderr.write("      skipped on Windows: it has no signals to send\n");
      this.skip();
    }
    const mark = path.join(folder, "started");
    const file = put(
      folder,
      "endless.ipynb",
      book(
        cell(
          `import { writeFileSync } from "node:fs";\nwriteFileSync(${JSON.stringify(mark)}, "");\nfor (;;) console.log("more and more");`,
        ),
      ),
    );
    const { child, ended } = aisle(["notebook", file]);
    await until(() => existsSync(mark), 40000);
    const began = performance.now();
    child.kill("SIGTERM");
    const { code, stderr } = await ended;
    assert.equal(code, 143, stderr);
    assert.ok(performance.now() - began < 8000, `${performance.now() - began} ms`);
    assert.match(textOf(outputsOf(readNotebook(file))[0]!), /^more and more\n/);
  });
});
