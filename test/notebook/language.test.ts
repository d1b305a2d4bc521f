/** What TypeScript accepts in a cell runs, and what cells leave to each other. */
import assert from "node:assert/strict";
import { TestKernel, textOf } from "./helpers.js";

describe("cells", function () {
  this.timeout(20000);
  const kernel = new TestKernel();

  it("are compiled by the project's own TypeScript", () => {
    assert.equal(kernel.kernel.languageInfo["version"], "5.9.3");
  });

  it("may wait by `for await` alone, by `await (…)` alone, and inside of blocks", async () => {
    assert.equal(await kernel.printed("for await (const x of [Promise.resolve(1)]) console.log(x)"), "1\n");
    assert.equal(await kernel.value("await (async () => 3)()"), "3");
    assert.equal(await kernel.value("await (Promise.resolve(4))"), "4");
    assert.equal(await kernel.printed("if (true) { console.log(await Promise.resolve(5)); }"), "5\n");
    assert.equal(
      await kernel.value(
        "async function* two() { yield 1; yield 2; }\nlet sum = 0;\nfor await (const n of two()) sum += n;\nsum",
      ),
      "3",
    );
  });

  it("take `using`, also with `await`, and give its variables on", async () => {
    const text =
      await kernel.printed(`const opened = (name: string) => ({ name, [Symbol.dispose]() { console.log("closed", name); } });
const before = 1;
using first = opened("first");
const inside = first.name + before;
let counter = 1;
class Held { at = inside; }
function later() { return counter; }
await using second = { async [Symbol.asyncDispose]() { await null; console.log("closed second"); } };
console.log(inside, typeof second);`);
    assert.equal(text, "first1 object\nclosed second\nclosed first\n");
    assert.equal(
      await kernel.value("counter = 7; [inside, later(), new Held().at, first.name].join()"),
      "first1,7,first1,first",
    );
  });

  it("take import attributes, JSON, dynamic imports and import.meta", async () => {
    assert.equal(
      await kernel.value('import pack from "./package.json" with { type: "json" };\npack.name'),
      "aisle",
    );
    assert.equal(await kernel.value('import { name as packName } from "./package.json";\npackName'), "aisle");
    assert.equal(
      await kernel.value('const which = "node:path";\nconst loaded = await import(which);\nloaded.posix.sep'),
      "/",
    );
    assert.equal(
      await kernel.value('(await import("./package.json", { with: { type: "json" } })).default.name'),
      "aisle",
    );
    assert.equal(
      await kernel.value("import.meta.dirname === process.cwd() && import.meta.url.startsWith('file:')"),
      "true",
    );
    assert.equal(
      await kernel.value(
        'import { readFileSync, type Stats } from "node:fs";\nimport * as fs from "node:fs";\nlet s: Stats; fs.readFileSync === readFileSync',
      ),
      "true",
    );
  });

  it("take standard decorators", async () => {
    assert.equal(
      await kernel.value(`function doubled(method: (n: number) => number, _: ClassMethodDecoratorContext) {
  return (n: number) => 2 * method(n);
}
class Counter { @doubled up(n: number) { return n + 1; } }
new Counter().up(1)`),
      "4",
    );
    assert.equal(
      await kernel.value(
        "class Again { @doubled up(n: number) { return n; } accessor x = 1 }\nnew Again().up(5) + new Again().x",
      ),
      "11",
    );
  });

  it("may export, and what they export is a name like any other", async () => {
    await kernel.value(
      "export const q = 1;\nexport function r() { return q; }\nexport default class Chosen { z = 3 }\nexport { q as other };",
    );
    assert.equal(await kernel.value("q + r() + new Chosen().z"), "5");
    assert.equal(await kernel.value("export default q + 41"), "42");
  });

  it("share enums, namespaces, generic types, and variables that later cells set", async () => {
    await kernel.value(`enum Level { Low, High = "h" }
const enum Fast { A = 4 }
namespace Tools { export const k = 2; export type T = string; export const low = () => Level.Low; }
type Pair<A, B = A> = readonly [A, B];
abstract class Base<T> { constructor(protected value: T) {} }
let state = { n: 1 };
const read = () => state.n;
var { a: first1, ...rest1 } = { a: 1, b: 2 };
for (var looped = 0; looped < 3; looped++);`);
    assert.equal(
      await kernel.value(`class Derived extends Base<number> { get(): Pair<number> { return [this.value, Fast.A]; } }
state = { n: 5 };
const t: Tools.T = Level.High;
looped += 10;
({ n: first1 } = state);
[t, read(), Tools.k, Tools.low(), ...new Derived(8).get(), looped, first1, rest1.b].join()`),
      "h,5,2,0,8,4,13,5,2",
    );
  });

  it("call what earlier cells and imports hold as plain functions", async () => {
    await kernel.value(
      "function self(this: unknown) { return this === undefined; }\nconst tag = (strings: TemplateStringsArray) => strings[0];",
    );
    assert.equal(await kernel.value("[self(), self?.(), tag`x`].join()"), "true,true,x");
  });

  it("keep what a failing cell had come to, and nothing more", async () => {
    await kernel.value("const kept = 1, hidden = 'old';");
    const failed = await kernel.failure(
      'interface Only { a: number }\nconst kept = "new";\nlet made = [1, 2];\nfunction help() { return kept; }\n(null as unknown as Date).getTime();\nconst hidden = 5, unmade = 6;',
    );
    assert.equal(failed.line, 5);
    assert.equal(
      await kernel.value(
        "const o: Only = { a: made.length }; made.push(3); [kept, o.a, made.length, help(), hidden].join()",
      ),
      "new,2,3,new,old",
    );
    assert.match((await kernel.failure("unmade")).evalue, /Cannot find name .unmade./);
    assert.match((await kernel.failure("hidden.toFixed()")).evalue, /toFixed/, "hidden is still text");
  });

  it("keep what an interrupted cell had come to", async function () {
    if (process.platform === "win32") {
      process.stderr.write("      skipped on Windows: it has no SIGINT to send\n");
      this.skip();
    }
    for (const [name, wait] of [
      ["slept", "await new Promise(() => {});"],
      ["spun", "for (;;) {}"],
    ]) {
      const { status, outputs } = await kernel.interrupted(
        `const ${name} = [4];\nlet ${name}Too = 5;\nconsole.log("ready");\n${wait}\nconst ${name}Never = 1;`,
      );
      assert.equal(status, "error");
      assert.match(JSON.stringify(outputs.at(-1)), /the cell was interrupted/);
      assert.equal(await kernel.value(`${name}Too = 6; ${name}[0]! + ${name}Too`), "10");
      assert.match((await kernel.failure(`${name}Never`)).evalue, /Cannot find name/);
    }
  });

  it("show functions and classes by their own names", async () => {
    assert.equal(await kernel.value("(x: number) => x + 1"), "[Function (anonymous)]");
    assert.equal(await kernel.value("const up = (x: number) => x + 1; up"), "[Function: up]");
    assert.equal(await kernel.value("class {}".replace("class", "(class") + ")"), "[class (anonymous)]");
    assert.equal(await kernel.value("class Named {}\nNamed"), "[class Named]");
  });

  it("say in an error what they themselves wrote", async () => {
    await kernel.value(
      "const missing = undefined as unknown as () => void; let none = null as unknown as { x: number };",
    );
    const called = await kernel.failure("\nmissing();");
    assert.equal(called.evalue, "missing is not a function");
    assert.equal(called.line, 2);
    assert.match((await kernel.failure("none.x")).evalue, /Cannot read properties of null \(reading 'x'\)/);
  });

  it("print into the cell that started it, also when it has ended", async () => {
    const first = kernel.run(
      'setTimeout(() => console.log("late of the first"), 600);\nvoid (async () => { await new Promise((r) => setTimeout(r, 500)); console.error("and this"); })();\nconsole.log("now");',
    );
    const { outputs } = await first;
    assert.equal(textOf(outputs), "now\n");
    const second = await kernel.run(
      'await new Promise((resolve) => setTimeout(resolve, 900)); console.log("second")',
    );
    assert.equal(textOf(second.outputs), "second\n");
    assert.equal(textOf(second.outputs, "stderr"), "");
    assert.equal(textOf(outputs), "now\nlate of the first\n");
    assert.equal(textOf(outputs, "stderr"), "and this\n");
  });

  it("tell in one line, in their own cell, what nobody caught", async () => {
    const { outputs, executionCount } = await kernel.run(
      'function boom() {\n  throw new RangeError("too\\nfar");\n}\nsetTimeout(boom, 300);\nsetTimeout(() => void Promise.reject(new Error("forgotten")), 350);',
    );
    const meanwhile = await kernel.run("await new Promise((resolve) => setTimeout(resolve, 700)); 1");
    assert.equal(meanwhile.status, "ok", "another cell's error is not this one's");
    assert.deepEqual(textOf(outputs, "stderr").trimEnd().split("\n"), [
      `Not caught: RangeError: too far (cell ${executionCount}, line 2)`,
      `Not caught: Error: forgotten (cell ${executionCount}, line 5)`,
    ]);
  });
});
