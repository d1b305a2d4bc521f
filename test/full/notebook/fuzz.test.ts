/** Ten thousand cells against the compiler: it never crashes, and what TypeScript accepts runs. */
import assert from "node:assert/strict";
import vm from "node:vm";
import fc from "fast-check";
import { createCompiler, type CellCompiler } from "../../../lib/notebook/kernel/compiler.js";

const NUMBER = fc.constantFrom("0", "1", "2n", "NaN", "0x1f", "1_000", ".5");
const NAME = fc.constantFrom(
  "a",
  "b",
  "c",
  "state",
  "π",
  "$",
  "_x",
  "scope",
  "exports",
  "require",
  "kernel",
  "module0",
);
const EXPRESSION = fc.letrec<{ whole: string }>((tie) => ({
  whole: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    NUMBER,
    NAME,
    fc.constantFrom(
      '"text"',
      "`t${1}`",
      "null",
      "undefined",
      "true",
      "/x/g",
      "[]",
      "{}",
      "this",
      "import.meta.url",
      "class {}",
    ),
    fc
      .tuple(
        tie("whole"),
        fc.constantFrom("+", "===", "??", "&&", ",", "in", "instanceof", "="),
        tie("whole"),
      )
      .map(([a, o, b]) => `(${a} ${o} ${b})`),
    fc
      .tuple(
        tie("whole"),
        fc.constantFrom("as unknown", "as any", "!", "satisfies unknown", "?.x", "()", "[0]", "?.()"),
      )
      .map(([a, s]) => `(${a} ${s})`),
    fc.tuple(NAME, tie("whole")).map(([n, b]) => `((${n}: any) => ${b})`),
    fc.tuple(NAME, NAME).map(([a, b]) => `({ ${a}, ${b}: ${a} })`),
    tie("whole").map((a) => `await ${a}`),
    fc.tuple(NAME, tie("whole")).map(([n, b]) => `${n}\`\${${b}}\``),
    tie("whole").map((a) => `(async () => { await ${a}; })()`),
  ),
})).whole;
const DECLARATION = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("let", "const", "var", "export const", "export let"),
      NAME,
      fc.constantFrom("", ": any", ": unknown"),
      EXPRESSION,
    )
    .map(([k, n, t, e]) => `${k} ${n}${t} = ${e};`),
  fc.tuple(NAME, NAME, EXPRESSION).map(([a, b, e]) => `const { ${a} = 1, ...${b} }: any = ${e};`),
  fc.tuple(NAME, NAME, EXPRESSION).map(([f, p, e]) => `function ${f}(${p}?: any): any { return ${e}; }`),
  fc
    .tuple(NAME, NAME, EXPRESSION)
    .map(([c, m, e]) => `class ${c} { static ${m}: any = 1; ${m}(): any { return ${e}; } }`),
  fc.tuple(fc.constantFrom("enum", "const enum"), NAME).map(([k, n]) => `${k} ${n} { A, B = 4, C = "c" }`),
  fc.tuple(NAME, EXPRESSION).map(([n, e]) => `namespace ${n} { export const inner: any = ${e}; }`),
  NAME.map((n) => `interface ${n} { x: number }`),
  NAME.map((n) => `type ${n}<T = 1> = T | string;`),
  fc.tuple(NAME, EXPRESSION).map(([n, e]) => `using ${n} = { v: ${e} as any, [Symbol.dispose]() {} };`),
  NAME.map((n) => `await using ${n} = { async [Symbol.asyncDispose]() {} };`),
  fc
    .tuple(fc.constantFrom("sep, join as ", "type ParsedPath as "), NAME)
    .map(([what, n]) => `import { ${what}${n} } from "node:path";`),
  NAME.map((n) => `import * as ${n} from "node:os";`),
  NAME.map((n) => `import ${n} from "./package.json" with { type: "json" };`),
  NAME.map((n) => `declare const ${n}: any;`),
);
const STATEMENT = fc.oneof(
  { weight: 3, arbitrary: DECLARATION },
  EXPRESSION.map((e) => `(${e});`),
  fc.tuple(NAME, EXPRESSION).map(([n, e]) => `${n} = ${e};`),
  fc.tuple(NAME, NAME).map(([a, b]) => `({ ${a}, ${b}: ${a} } = { ${a}: 1, ${b}: 2 } as any);`),
  fc.tuple(NAME, EXPRESSION).map(([n, e]) => `for (const ${n} of [${e}]) { void ${n}; }`),
  fc.tuple(NAME, EXPRESSION).map(([n, e]) => `for await (const ${n} of [${e}]) { void ${n}; }`),
  NAME.map((n) => `for (var ${n} = 0 as any; ${n} < 2; ${n}++);`),
  EXPRESSION.map((e) => `if (${e}) { } else { void 0; }`),
  EXPRESSION.map((e) => `try { void (${e}); } catch { } finally { }`),
  NAME.map((n) => `${n}: { break ${n}; }`),
  fc.constantFrom(
    ";",
    "// remark",
    "/* remark */",
    "",
    "debugger;",
    "export {};",
    "label: ;",
    '"use strict";',
  ),
);
/** Cells that are mostly right, and some with a hole. */
const CELL = fc.oneof(
  { weight: 8, arbitrary: fc.array(STATEMENT, { maxLength: 4 }).map((parts) => parts.join("\n")) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.array(STATEMENT, { maxLength: 3 }), fc.nat(60))
      .map(([parts, cut]) => parts.join("\n").slice(0, cut)),
  },
  {
    weight: 1,
    arbitrary: fc.string({ unit: fc.constantFrom(..."abc`'\"{}()[];=<>/*\\\n $#@!+-.,:?0🙂\u2028") }),
  },
);

/** Errors of running that say that the emitted code is not what TypeScript had checked. */
function isOurs(error: unknown): boolean {
  if (error instanceof SyntaxError) return true;
  return error instanceof ReferenceError && /\$aisle|exports|require|is not defined/.test(error.message);
}

describe("the cell compiler", function () {
  this.timeout(3_600_000);
  const runs = Number(process.env["AISLE_FUZZ_RUNS"] ?? 10_000);
  let compiler: CellCompiler;
  before(() => (compiler = createCompiler(process.cwd())));

  it("never crashes, and what TypeScript accepts is JavaScript that finds every name", async () => {
    let accepted = 0;
    /** Cells may be what they like to each other, as in one kernel. */
    const scope: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    const worlds = new Set<string>();
    await fc.assert(
      fc.asyncProperty(CELL, async (source) => {
        const cell = compiler.compile(source);
        if (!("code" in cell)) {
          assert.ok(cell.length > 0);
          for (const { message, start } of cell) {
            assert.notEqual(message, "");
            assert.ok(
              start.line >= 0 && start.line < source.split(/\r\n|[\n\r]/).length,
              `${message} at ${start.line}`,
            );
          }
          return;
        }
        accepted++;
        for (const [, name] of source.matchAll(/declare const (\S+):/g)) worlds.add(name!);
        let accessors: readonly [string, () => unknown, ((value: unknown) => void)?][] = [];
        const modules = await Promise.all(
          cell.imports.map(async ({ specifier }) =>
            specifier.endsWith(".json") ? { default: {} } : ((await import(specifier)) as object),
          ),
        );
        let failed: unknown;
        try {
          const body = vm.runInThisContext(cell.code) as (kernel: object) => unknown;
          const running = body({
            scope,
            modules,
            declare: (given: typeof accessors) => (accessors = given),
            last: () => undefined,
            wait: async (value: unknown) => value,
            each: (values: unknown) => values,
            load: async () => ({}),
            meta: { url: "file:///cell" },
            node: { require: () => ({}), module: {}, exports: {} },
          });
          await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 50))]);
        } catch (error) {
          failed = error;
        }
        if (
          isOurs(failed) &&
          ![...worlds].some((name) => (failed as Error).message.startsWith(`${name} is not`))
        )
          assert.fail(`${String(failed)}\n${source}\n—\n${cell.code}`);
        const evaluated = new Set<string>();
        for (const [name, get, set] of accessors) {
          try {
            get();
          } catch {
            continue;
          }
          Object.defineProperty(scope, name, {
            configurable: true,
            enumerable: true,
            get,
            ...(set && { set }),
          });
          evaluated.add(name);
        }
        cell.keep((name) => evaluated.has(name));
      }),
      { numRuns: runs },
    );
    process.stderr.write(`      ${accepted} of ${runs} cells were accepted and run\n`);
    assert.ok(accepted > runs / 10, `${accepted} of ${runs} were accepted: too few to mean anything`);
  });
});
