import assert from "node:assert/strict";
import path from "node:path";
import { InputError } from "../../lib/base/index.js";
import { parametersOf, parseParameters, readParameterFile } from "../../lib/notebook/index.js";
import { hasTag, withParameters } from "../../lib/notebook/parameters.js";
import { book, cell, put, temporaryFolder } from "./helpers.js";

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
    assert.deepEqual({ ...parseParameters(["a=1", "b=x=y", "c="]) }, { a: "1", b: "x=y", c: "" });
    for (const wrong of [["a"], ["=1"], ["a=1", "a=2"]])
      assert.throws(() => parseParameters(wrong), InputError);
  });
});

describe("a file of parameters", () => {
  const folder = temporaryFolder();
  const given = book(
    cell(
      'const seed: number = 7;\nlet agent: "rule" | "oracle" = "rule";\nlet fast = false, goals: unknown = [];',
      "parameters",
    ),
  );

  it("gives YAML's values their places and types", async () => {
    const file = put(
      folder,
      "good.yaml",
      '# of this run\nseed: 3\nagent: oracle\nfast: true\ngoals: &g\n  - 1.5\n  - {"a b": null}\n',
    );
    const cells = withParameters(given, await readParameterFile(file), "x").cells;
    assert.equal(
      cells[1]!.source,
      '// Parameters of this run\nconst seed: number = 3;\nlet agent: "rule" | "oracle" = "oracle";\n' +
        'let fast = true;\nlet goals: unknown = [1.5,{"a b":null}];',
    );
    assert.deepEqual(await readParameterFile(put(folder, "some.json", '{"seed": 4}')), {
      seed: { value: 4 },
    });
    assert.deepEqual(await readParameterFile(put(folder, "empty.yaml", "# nothing\n")), {});
  });

  it("is refused in a sentence", async () => {
    const refuse = async (text: string, message: RegExp): Promise<void> => {
      const file = put(folder, "bad.yaml", text);
      await assert.rejects(
        async () => withParameters(given, await readParameterFile(file), "x.ipynb"),
        (error) =>
          error instanceof InputError && message.test(error.message) && !error.message.includes("\n"),
      );
    };
    await refuse("seed: [1", /bad\.yaml is not YAML: .*line 1/);
    await refuse("- 1\n- 2", /must map names to values/);
    await refuse("seed: one", /"seed" is a number \(7 unless given\), not "one"/);
    await refuse("seed: .nan", /"seed" is a number/);
    await refuse("agent: 5", /"agent" is text, which a file has in quotes/);
    await refuse("fast: yes please", /true or false/);
    await refuse("speed: 1", /no parameter "speed"/);
    await refuse('goals: {"__proto__": 1}', /cannot be written as code/);
    await refuse("seed: 1\nseed: 2", /not YAML: Map keys must be unique/);
    await assert.rejects(readParameterFile(path.join(folder, "none.yaml")), /none\.yaml: it does not exist/);
  });
});
