/** One real kernel, asked as Jupyter would ask it. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { TestKernel } from "./helpers.js";

describe("kernel", function () {
  this.timeout(60000);
  const test = new TestKernel();
  const run = (source: string) => test.run(source);
  const value = (source: string) => test.value(source);
  const failure = (source: string) => test.failure(source);

  it("introduces itself as TypeScript", () => {
    assert.equal(test.kernel.languageInfo["name"], "typescript");
    assert.equal(test.kernel.languageInfo["file_extension"], ".ts");
  });

  it("gives streams, displays and the last expression's value", async () => {
    const { outputs } = await run(`import * as tslab from "tslab";
console.log("one"); console.error("two"); tslab.display.html("<i>three</i>"); console.log("four");
6 * 7`);
    assert.deepEqual(outputs, [
      { output_type: "stream", name: "stdout", text: "one\n" },
      { output_type: "stream", name: "stderr", text: "two\n" },
      { output_type: "display_data", data: { "text/html": "<i>three</i>" }, metadata: {} },
      { output_type: "stream", name: "stdout", text: "four\n" },
      { output_type: "execute_result", data: { "text/plain": "42" }, metadata: {}, execution_count: 1 },
    ]);
  });

  it("loses no line of many", async () => {
    const { outputs } = await run("for (let i = 0; i < 20000; i++) console.log(i);");
    const text = outputs.map((output) => (output.output_type === "stream" ? output.text : "")).join("");
    assert.equal(text, Array.from({ length: 20000 }, (_, i) => `${i}\n`).join(""));
  });

  it("shares variables, types and functions between cells, and lets them be declared again", async () => {
    await run(
      "interface Point { x: number }\nlet p: Point = { x: 1 };\nconst twice = (q: Point) => q.x * 2;",
    );
    await run("p = { x: 4 };");
    assert.equal(await value("twice(p)"), "8");
    assert.equal(await value('const p = "again"; p'), "again");
    assert.equal(await value("await Promise.resolve(p.length)"), "5");
  });

  it("sees an earlier cell's name in a shorthand property, which tslab overlooks", async () => {
    await run("const width = 3; let depth = 4; const wrap = async <T>(x: T): Promise<T[]> => [x];");
    assert.equal(
      await value("JSON.stringify({ width, depth, more: [{ depth }] })"),
      '{"width":3,"depth":4,"more":[{"depth":4}]}',
    );
    assert.equal(
      await value("const [got] = await wrap({ width }); ({ depth } = { depth: got!.width + 6 }); depth"),
      "9",
    );
  });

  it("checks strictly", async () => {
    const nullish = await failure(
      "const text: string | undefined = [] as never;\nfunction f(x: { a?: string }) {\n  return x.a.length;\n}",
    );
    assert.equal(nullish.ename, "TypeScriptError");
    assert.match(nullish.evalue, /'x.a' is possibly 'undefined'/);
    assert.equal(nullish.line, 3);
    assert.ok(nullish.traceback.includes("      return x.a.length;"));
    assert.match((await failure("function g(x) { return x; }")).evalue, /implicitly has an 'any' type/);
    assert.match((await failure('import { nothing } from "./lib/base/index.js"; nothing')).evalue, /nothing/);
    assert.match(
      (await failure('import "./lib/none.js";\nimport x from "./lib/none.js"; x')).evalue,
      /Cannot find module/,
    );
  });

  it("names the cell's own line of an error, through earlier cells and awaits", async () => {
    await run(
      'class Trouble extends Error {\n  override name = "Trouble";\n}\nconst deep = async (n: number) => {\n  await null;\n  if (n > 1) throw new Trouble(`n is ${n}`);\n};',
    );
    const error = await failure("const a = 1;\n\nawait deep(\n  a + 1);");
    assert.equal(error.ename, "Trouble");
    assert.equal(error.evalue, "n is 2");
    assert.equal(error.line, 3);
    assert.match(error.traceback.join("\n"), /deep \(cell \d+, line 6\): if \(n > 1\)/);
    assert.ok(!error.traceback.join("\n").includes(process.cwd()), "no path of this machine");
  });

  it("names the library's line of an error", async () => {
    const error = await failure('import { stream } from "./lib/base/index.js";\nstream(1).below(0);');
    assert.equal(error.ename, "RangeError");
    assert.equal(error.line, 2);
    assert.match(error.traceback.join("\n"), /lib\/base\/random\.ts:\d+:\d+/);
  });

  it("reports what is thrown without being an error, and causes", async () => {
    assert.equal((await failure('throw "just text";')).evalue, "'just text'");
    const error = await failure('throw new Error("outer", { cause: new TypeError("inner") });');
    assert.ok(error.traceback.includes("Caused by: TypeError: inner"));
  });

  it("fails the waiting cell when something goes wrong behind it", async () => {
    const timer = await failure(
      'await new Promise(() => setTimeout(() => { throw new Error("late"); }, 5));',
    );
    assert.equal(timer.evalue, "late");
    const promise = await failure(
      'void Promise.reject(new Error("forgotten")); await new Promise(() => {});',
    );
    assert.equal(promise.evalue, "forgotten");
  });

  it("loads modern packages, typed", async () => {
    assert.equal(
      await value(`import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
const spec: TopLevelSpec = { data: { values: [{ a: 1 }] }, mark: "point", encoding: { x: { field: "a", type: "quantitative" } } };
typeof vega.parse(compile(spec).spec)`),
      "object",
    );
    assert.equal(
      await value(
        'import * as aq from "arquero"; aq.table({ a: [1, 2] }).rollup({ s: aq.op.sum("a") }).get("s", 0)',
      ),
      "3",
    );
    assert.equal(await value('import { z } from "zod"; z.object({ a: z.number() }).parse({ a: 1 }).a'), "1");
    assert.equal(await value('import { Dealer } from "zeromq"; typeof Dealer'), "function");
  });

  it("loads tensors, frames and transformers, quietly", async () => {
    const tensors = await run(`import * as tf from "@tensorflow/tfjs";
import "@tensorflow/tfjs-backend-wasm";
await tf.setBackend("cpu");
Array.from(tf.add([1, 2], 1).dataSync())`);
    assert.deepEqual(
      tensors.outputs.map((output) => output.output_type),
      ["execute_result"],
      JSON.stringify(tensors.outputs),
    );
    assert.equal(
      await value('import * as dfd from "danfojs-node"; new dfd.DataFrame({ a: [1, 3] })["a"].mean()'),
      "2",
    );
    assert.equal(
      await value('import { env } from "@huggingface/transformers"; typeof env.version'),
      "string",
    );
  });

  it("shows a chart as SVG and a table as HTML", async () => {
    const chart = await run("spec");
    const shown = chart.outputs[0];
    assert.ok(shown?.output_type === "execute_result");
    assert.match(String(shown.data["image/svg+xml"] ?? shown.data["text/plain"]), /point/);
    const svg = await run('({ $schema: "https://vega.github.io/schema/vega-lite/v6.json", ...spec })');
    assert.ok(svg.outputs[0]?.output_type === "execute_result");
    assert.match(String(svg.outputs[0].data["image/svg+xml"]), /^<svg /);
    const table = await run("aq.table({ a: [1, 2] })");
    assert.ok(table.outputs[0]?.output_type === "execute_result");
    assert.match(String(table.outputs[0].data["text/html"]), /^<table>/);
    assert.equal(table.outputs[0].data["text/plain"], "|a|\n|-:|\n|1|\n|2|");
    const own = await run('({ [Symbol.for("Jupyter.display")]: () => ({ "text/markdown": "**b**" }) })');
    assert.ok(own.outputs[0]?.output_type === "execute_result");
    assert.deepEqual(own.outputs[0].data, { "text/markdown": "**b**" });
  });

  it("runs lib's own modules, one instance of each, in worker threads too", async () => {
    const folder = "data/tmp/kernel-test";
    mkdirSync(folder, { recursive: true });
    try {
      writeFileSync(`${folder}/state.ts`, "export const state = { count: 0 };\n");
      writeFileSync(
        `${folder}/a.ts`,
        'import { state } from "./state.js";\nexport const up = (): number => ++state.count;\n',
      );
      writeFileSync(
        `${folder}/b.ts`,
        `import { startWorker } from "../../../lib/base/index.js";
export const later = async (): Promise<number> => (await import("./a.js")).up();
export const far = (): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const worker = startWorker("${folder}/worker.ts");
    worker.once("message", resolve);
    worker.once("error", reject);
  });
`,
      );
      writeFileSync(
        `${folder}/worker.ts`,
        'import { parentPort } from "node:worker_threads";\nimport { up } from "./a.js";\nparentPort?.postMessage(up() + 100);\n',
      );
      await value(`import { up } from "./${folder}/a.js"; up()`);
      assert.equal(await value(`import { state } from "./${folder}/state.js"; up() + state.count`), "4");
      assert.equal(await value(`import { later } from "./${folder}/b"; await later()`), "3");
      assert.equal(await value(`import { far } from "./${folder}/b.js"; await far()`), "101");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it("does not slow down a loop over a top-level variable past use", async () => {
    assert.equal(await value("let sum = 0;\nfor (let i = 0; i < 1e6; i++) sum += i;\nsum"), "499999500000");
  });

  it("is interrupted while it waits and while it does not", async function () {
    if (process.platform === "win32") {
      process.stderr.write("      skipped on Windows: it has no SIGINT to send\n");
      this.skip();
    }
    for (const source of ["await new Promise(() => {});", "for (;;) {}"]) {
      const running = failure(source);
      setTimeout(() => test.kernel.interrupt(), 300);
      assert.match((await running).evalue, /interrupted/i);
    }
    assert.equal(await value("1 + 1"), "2");
  });

  it("is described by a kernelspec that Jupyter can read", () => {
    const spec = JSON.parse(readFileSync("lib/notebook/kernels/aisle/kernel.json", "utf8")) as {
      argv: string[];
      language: string;
    };
    assert.equal(spec.language, "typescript");
    assert.ok(spec.argv.includes("{connection_file}"));
  });
});
