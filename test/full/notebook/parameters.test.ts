/** Parameters of notebooks, from the command line and from files: what is put in is what was given. */
import { strict as assert } from "node:assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import vm from "node:vm";
import fc from "fast-check";
import { readParameterFile } from "../../../lib/notebook/parameter-file.js";
import { parametersOf, parseParameters, withParameters } from "../../../lib/notebook/parameters.js";
import type { Notebook } from "../../../lib/notebook/nbformat.js";
import { NAMES, ODD, RUNS, takenOrRefused, takenOrRefusedLater } from "../boundary.js";

/** Declarations of a parameter: the code, and the kind of value that it takes. */
const DECLARATIONS = [
  ['"text"', "string"],
  ["`text`", "string"],
  ['("a" as string)', "string"],
  ["1", "number"],
  ["-1.5e3", "number"],
  ["true", "boolean"],
  ["(false)", "boolean"],
  ["[1, 2]", "json"],
  ["{ a: 1 }", "json"],
  ["null", "json"],
] as const;
const IDENTIFIERS = ["seed", "π", "$", "_x", "toString", "constructor", "__proto__", "async", "type"];

const book = (source: string): Notebook => ({
  cells: [
    { cell_type: "markdown", metadata: {}, source: "# A" },
    { cell_type: "code", metadata: { tags: ["parameters"] }, source, outputs: [], execution_count: null },
  ],
  metadata: {},
  nbformat: 4,
  nbformat_minor: 4,
});

/** The value of a name after some code, which has no types: these parameters declare none. */
function valueAfter(code: string, name: string): unknown {
  return JSON.parse(
    vm.runInThisContext(
      `(() => { "use strict"; ${code}\nreturn JSON.stringify(${name}) ?? "null"; })()`,
    ) as string,
  );
}

describe("full: parameters of notebooks", function () {
  this.timeout(1_200_000);
  const folder = mkdtempSync(join(tmpdir(), "aisle-parameters-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const declared = fc
    .tuple(
      fc.uniqueArray(fc.constantFrom(...IDENTIFIERS), { minLength: 1, maxLength: 3 }),
      fc.array(fc.constantFrom(...DECLARATIONS), { minLength: 3, maxLength: 3 }),
      fc.constantFrom("let", "const", "var"),
    )
    .map(([names, declarations, keyword]) =>
      names.map((name, i) => ({
        name,
        code: `${keyword} ${name} = ${declarations[i]![0]};`,
        kind: declarations[i]![1],
      })),
    );

  it(`from the command line become the code of their value, ${RUNS} of them`, () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json({ maxDepth: 2 }),
      fc.constantFrom(
        "true",
        "false",
        "1",
        "-0",
        " 1",
        "1e400",
        "0x10",
        "NaN",
        "",
        "`${1}`",
        '"',
        "\u2028",
        "</script>",
      ),
      ODD.map((value) => JSON.stringify(value)),
    );
    let taken = 0;
    fc.assert(
      fc.property(
        declared,
        text,
        fc.oneof({ weight: 4, arbitrary: fc.nat(2) }, NAMES),
        (parameters, value, which) => {
          const parameter = typeof which === "number" ? parameters[which % parameters.length]! : undefined;
          const name = parameter?.name ?? String(which);
          const given = takenOrRefused(name, () => parseParameters([`${name}=${value}`]));
          if (given === undefined) return;
          assert.deepEqual(Object.keys(given), [name.trim()]);
          const source = parameters.map(({ code }) => code).join("\n");
          const ready = takenOrRefused(value, () => withParameters(book(source), given, "a.ipynb"));
          const known = parameters.find((one) => one.name === name);
          if (!ready) return;
          assert.ok(known, `${name} is declared`);
          taken++;
          assert.equal(ready.cells.length, 3);
          const { kind } = known;
          const meant =
            kind === "string" ? value : kind === "number" ? Number(value) : (JSON.parse(value) as unknown);
          // A cell declares its names anew, as in a notebook.
          assert.deepEqual(valueAfter(ready.cells[2]!.source, name), JSON.parse(JSON.stringify(meant)));
        },
      ),
      { numRuns: RUNS },
    );
    assert.ok(taken > RUNS / 10, `${taken} were taken`);
  });

  it(`from a file become the code of their value, ${RUNS} of them`, async () => {
    const file = join(folder, "parameters.yaml");
    const yaml = fc.oneof(
      {
        weight: 5,
        arbitrary: fc
          .tuple(fc.constantFrom(...IDENTIFIERS), ODD)
          .map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}\n`),
      },
      fc
        .array(
          fc.constantFrom(
            "seed: 7",
            "π: .inf",
            "a: &x [*x]",
            "a: *none",
            "- 1",
            "? [a]\n: 1",
            "seed: 0o17",
            "seed: 2001-01-01",
            "<<: {a: 1}",
            "\t",
            "---",
            "...",
            "%YAML 9",
            "seed: !!binary aGk=",
            "1: 2",
            "seed: |\n  a",
          ),
        )
        .map((lines) => lines.join("\n")),
      fc.string({ unit: "binary" }),
    );
    let taken = 0;
    await fc.assert(
      fc.asyncProperty(declared, yaml, async (parameters, text) => {
        writeFileSync(file, text);
        const given = await takenOrRefusedLater(text, () => readParameterFile(file));
        if (given === undefined) return;
        const source = parameters.map(({ code }) => code).join("\n");
        const ready = takenOrRefused(text, () => withParameters(book(source), given, "a.ipynb"));
        if (!ready || Object.keys(given).length === 0) return;
        taken++;
        for (const [name, value] of Object.entries(given)) {
          assert.ok(typeof value === "object");
          assert.deepEqual(
            valueAfter(ready.cells[2]!.source, name),
            JSON.parse(JSON.stringify(value.value)),
            text,
          );
        }
      }),
      { numRuns: RUNS },
    );
    assert.ok(taken > RUNS / 100, `${taken} were taken`);
  });

  it(`are found in whatever the cell says, ${RUNS} of them`, () => {
    const piece = fc.constantFrom(
      ...[
        "let",
        "const",
        "a",
        "b",
        "=",
        ":",
        "number",
        "1",
        '"',
        "'",
        "`",
        "${",
        "}",
        "{",
        "[",
        "]",
        "(",
        ")",
        ",",
        ";",
        "\n",
        "//",
        "/*",
        "<",
        ">",
        "=>",
        "as",
        "null",
        "-",
        "#!",
        "@",
        "\\u0061",
        "🙂",
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const found = parametersOf(book(pieces.join(" ")));
        for (const { name, initial } of found) assert.ok(name !== "" && typeof initial === "string");
      }),
      { numRuns: RUNS },
    );
  });
});
