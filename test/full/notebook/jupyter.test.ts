/** Jupyter's own test of kernels, and papermill, against our kernel. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { readNotebook } from "../../../lib/notebook/index.js";
import { cell, outputsOf, put, temporaryFolder, textOf, type Ended } from "../../notebook/helpers.js";
import { pythonWith } from "./python.js";

/** Runs Python where it finds our kernel. */
function python(program: string, ...args: string[]): Promise<Ended> {
  const child = spawn(program, args, {
    env: { ...process.env, JUPYTER_PATH: path.resolve("lib", "notebook") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, stdout, stderr })));
}

describe("jupyter_kernel_test", function () {
  this.timeout(300000);
  const program = pythonWith(this, "jupyter_kernel_test");

  it("passes whole, with questions to the reader and inspection inside of calls", async () => {
    const { code, stderr } = await python(program, "test/full/notebook/jupyter_kernel.py");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /Ran 17 tests/);
    assert.match(stderr, /\nOK\s*$/, "none is skipped");
  });
});

describe("papermill", function () {
  this.timeout(120000);
  const program = pythonWith(this, "papermill", "aisle_papermill");
  const folder = temporaryFolder();
  const given = put(folder, "in.ipynb", {
    cells: [
      cell(
        'let n = 1;\nconst agent: "rule" | "oracle" = "rule"; // who\nlet list: readonly number[] = [];\nlet map: Record<string, unknown> = {};\nlet none: string | null = "a";\nlet text = "";',
        "parameters",
      ),
      cell(
        'if (agent === "rule") throw new Error("not set");\nconsole.log(JSON.stringify([n, agent, list, map, none, text]))',
      ),
    ],
    metadata: { kernelspec: { name: "aisle", display_name: "a", language: "typescript" } },
    nbformat: 4,
    nbformat_minor: 4,
  });

  it("writes parameters in TypeScript, with the types of the notebook", async () => {
    const file = put(
      folder,
      "more.yaml",
      'list: [1, 2.5]\nmap: {__proto__: 1, "a b": [true, null]}\nnone: null\n',
    );
    const out = path.join(folder, "out.ipynb");
    const text = 'a"\\ü`${x}\n';
    const { code, stderr } = await python(
      program,
      ...[
        "-m",
        "papermill",
        given,
        out,
        "-p",
        "n",
        "5",
        "-p",
        "agent",
        "oracle",
        "-r",
        "text",
        text,
        "-f",
        file,
      ],
    );
    assert.equal(code, 0, stderr);
    const ran = readNotebook(out);
    assert.ok(
      ran.cells[1]!.source.includes('const agent: "rule" | "oracle" = "oracle";'),
      ran.cells[1]!.source,
    );
    assert.deepEqual(JSON.parse(textOf(outputsOf(ran)[2]!)), [
      5,
      "oracle",
      [1, 2.5],
      JSON.parse('{"__proto__": 1, "a b": [true, null]}'),
      null,
      text,
    ]);
  });

  it("lists what a notebook declares", async () => {
    const { stdout, stderr } = await python(program, "-m", "papermill", "--help-notebook", given);
    assert.match(stdout + stderr, /agent: "rule" \| "oracle" \(default "rule"\)\s+who/);
  });
});
