import assert from "node:assert/strict";
import { InputError } from "../../lib/base/index.js";
import { parametersOf, parseParameters } from "../../lib/notebook/index.js";
import { hasTag, withParameters } from "../../lib/notebook/parameters.js";
import { book, cell } from "./helpers.js";

const DECLARED = `// How to run
const seed = 7;
let agent: "rule" | "oracle" = "rule", verbose = false;
const goals: readonly number[] = [0, 1];
function notAParameter() {}`;

describe("parameters", () => {
  const given = book(cell("# text"), cell(DECLARED, "parameters"), cell("seed"));

  it("are read from the tagged cell, with their kinds", () => {
    assert.deepEqual(
      parametersOf(given).map((one) => [one.name, one.kind, one.keyword, one.initial]),
      [
        ["seed", "number", "const", "7"],
        ["agent", "string", "let", '"rule"'],
        ["verbose", "boolean", "let", "false"],
        ["goals", "json", "const", "[0, 1]"],
      ],
    );
  });

  it("are injected after it with their types", () => {
    const values = { seed: "3", agent: "oracle", verbose: "true", goals: "[5]" };
    const cells = withParameters(given, values, "x").cells;
    assert.equal(cells.length, 4);
    assert.ok(hasTag(cells[2]!, "injected-parameters"));
    assert.equal(
      cells[2]!.source,
      '// Parameters of this run\nconst seed = 3;\nlet agent: "rule" | "oracle" = "oracle";\n' +
        "let verbose = true;\nconst goals: readonly number[] = [5];",
    );
  });

  it("replace those of an earlier run, and go when none are given", () => {
    const once = withParameters(given, { seed: "3" }, "x");
    const twice = withParameters(once, { seed: "4" }, "x");
    assert.equal(twice.cells.length, 4);
    assert.match(twice.cells[2]!.source, /seed = 4/);
    assert.deepEqual(withParameters(twice, {}, "x"), given);
  });

  it("are quoted so that text stays text", () => {
    const injected = withParameters(given, { agent: '"; throw 1; "\n' }, "x").cells[2]!.source;
    assert.ok(injected.endsWith('= "\\"; throw 1; \\"\\n";'));
  });

  it("are refused by name or by kind", () => {
    const refuse = (values: Record<string, string>, message: RegExp): void =>
      assert.throws(
        () => withParameters(given, values, "x.ipynb"),
        (error) => error instanceof InputError && message.test(error.message),
      );
    refuse({ sed: "1" }, /x\.ipynb has no parameter "sed": it has seed, agent, verbose, goals/);
    refuse({ seed: "one" }, /"seed" is a number \(7 unless given\), not "one"/);
    refuse({ seed: "" }, /is a number/);
    refuse({ verbose: "yes" }, /true or false/);
    refuse({ goals: "[1" }, /JSON/);
    assert.throws(() => withParameters(book(cell("1")), { seed: "1" }, "x"), /it has none/);
  });

  it("are given as name=value", () => {
    assert.deepEqual(parseParameters(["a=1", "b=x=y", "c="]), { a: "1", b: "x=y", c: "" });
    for (const wrong of [["a"], ["=1"], ["a=1", "a=2"]])
      assert.throws(() => parseParameters(wrong), InputError);
  });
});
