import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { figures } from "../../figures/index.js";
import {
  allNumbers,
  faultsIn,
  quotedFacts,
  type StudyData,
  tables,
  typedNumbers,
  usedNumbers,
} from "../../lib/results/index.js";
import { fakeStudy } from "./fake-study.js";

const chapters = readdirSync("thesis/chapters").map((name) => join("thesis/chapters", name));
const text = chapters.map((path) => readFileSync(path, "utf8")).join("\n");

describe("the thesis's text", () => {
  let folder: string;
  let data: StudyData;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "aisle-thesis-"));
    data = await fakeStudy(folder);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it("has no number that was typed by hand", () => {
    for (const path of [...chapters, "thesis/titlepage.tex"]) {
      const typed = typedNumbers(readFileSync(path, "utf8")).filter(
        (found) => !/pageanchor|textheight|em\b/.test(found),
      );
      assert.deepEqual(typed, [], path);
    }
  });

  it("would find one that was", () => {
    const typed = (tex: string): number => typedNumbers(tex).length;
    assert.equal(typed("The rule scores 45.6 on 500 goals."), 2);
    assert.equal(typed("a loss of $0.5$ and $n^2 / (1 - p)$"), 1);
    assert.equal(typed("BM25 and Qwen2.5, \\score{rule}, \\cite{yao2022webshop} % 45.6"), 0);
    assert.equal(typed("85\\,\\% of them"), 1);
  });

  it("asks only for numbers that exist, and for every quoted fact", () => {
    const known = new Set(allNumbers(data).keys());
    const used = usedNumbers(text);
    assert.ok(used.length > 20);
    assert.deepEqual(
      used.filter((name) => !known.has(name)),
      [],
    );
    const quoted = Object.keys(quotedFacts()).map((name) => `fact/${name}`);
    assert.deepEqual(
      quoted.filter((name) => !used.includes(name)),
      [],
    );
  });

  it("shows every figure and table, each caption naming its run records", () => {
    for (const name of figures.map((figure) => figure.name))
      assert.ok(text.includes(`\\includegraphics{${name}}`), name);
    for (const { name } of tables(data)) assert.ok(text.includes(`\\input{tables/${name}}`), name);
    const floats = [...text.matchAll(/\\begin\{(figure|table)\}[\s\S]*?\\end\{\1\}/g)].map(
      ([float]) => float,
    );
    assert.ok(floats.length >= 6);
    // what shows no measurement says so
    for (const float of floats) {
      assert.match(float, /\\caption\{[\s\S]*(\\records?\{|no run record enters)/);
    }
  });

  it("has a bibliography for all that is cited, also by the generated tables, and nothing else", () => {
    const bib = readFileSync("thesis/references.bib", "utf8");
    const known = [...bib.matchAll(/^@\w+\{([^,]+),/gm)].map(([, key]) => key!);
    const cited = new Set([
      ...[...text.matchAll(/\\cite[pt]?\{([^}]*)\}/g)].flatMap(([, keys]) => keys!.split(",")),
      ...data.published.results.map(({ source }) => source),
    ]);
    assert.deepEqual([...cited].sort(), [...known].sort());
  });

  it("reads LaTeX's log", () => {
    const log = [
      './chapters/x.tex:12: Package aisle Error: There is no number "score/rule".',
      "LaTeX Warning: Reference `fig:none' on page 3 undefined on input line 7.",
      "Package natbib Warning: Citation `who' on page 1 undefined on input line 3.",
      "Overfull \\hbox (12.5pt too wide) in paragraph at lines 3--4",
      "Underfull \\hbox (badness 10000) in paragraph at lines 3--4",
    ].join("\n");
    assert.deepEqual(faultsIn(log), [
      './chapters/x.tex line 12: Package aisle Error: There is no number "score/rule".',
      'Reference "fig:none" is undefined',
      'Citation "who" is undefined',
      "a line is too wide by 12.5 pt in paragraph at lines 3--4",
    ]);
    assert.deepEqual(faultsIn("This is pdfTeX\nOutput written on main.pdf (22 pages, 1 bytes).\n"), []);
  });
});
