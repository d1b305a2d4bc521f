import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { figures } from "../../figures/index.js";
import {
  allNumbers,
  faultsIn,
  mainResults,
  makeThesis,
  publishedResults,
  quotedFacts,
  runTool,
  type StudyData,
  type StudyShop,
  tables,
  typedNumbers,
  usedNumbers,
} from "../../lib/results/index.js";
import { evaluate } from "../../lib/runs/index.js";
import { recordFolders } from "../../lib/records/index.js";
import { fakeAgent, fakeEnvironment, paidLess } from "../runs/fakes.js";

const shop: StudyShop = { fingerprint: "fake-1", products: 10_000, goals: 60, test: { first: 0, count: 40 } };
const published = publishedResults();
const facts = quotedFacts();

/** Records of all agents of the main table in a fresh folder. */
async function fakeRuns(folder: string): Promise<StudyData> {
  const runs = join(folder, "runs");
  const environment = fakeEnvironment(60);
  for (const [agent, seeds] of [
    ["random", [0, 1, 2]],
    ["prompted", [0, 1, 2]],
    ["il", [0, 1, 2]],
    ["rule", [0]],
    ["match", [0]],
    ["oracle", [0]],
  ] as const) {
    const goals = { first: 0, count: 40 };
    await evaluate({ agent: fakeAgent(agent), environment, split: "test", goals, seeds, runs });
  }
  return {
    shop,
    results: mainResults(shop, runs),
    published,
    training: [],
    ablations: [],
    episode: null,
    judged: null,
  };
}

const chapters = readdirSync("thesis/chapters").map((name) => join("thesis/chapters", name));
const text = chapters.map((path) => readFileSync(path, "utf8")).join("\n");

describe("the thesis's text", () => {
  let folder: string;
  let data: StudyData;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "aisle-thesis-"));
    data = await fakeRuns(folder);
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
    const quoted = Object.keys(facts).map((name) => `fact/${name}`);
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
      ...published.results.map(({ source }) => source),
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

  it("builds, as vectors with embedded fonts, and refuses to build with a missing number", async function () {
    this.timeout(300_000);
    for (const program of ["latexmk", "rsvg-convert"]) {
      if (!(await runTool(program, ["--version"])).found) {
        process.stdout.write(`      skipped: ${program} is not installed here\n`);
        this.skip();
      }
    }
    const copy = join(folder, "thesis");
    cpSync("thesis", copy, { recursive: true, filter: (path) => !/main\.(?!tex)/.test(path) });
    const made = await makeThesis(figures, data, { folder: copy, readme: null });
    assert.ok(made.pdf && existsSync(made.pdf));
    assert.ok(made.pages > 15, `${made.pages} pages`);
    const first = readFileSync(made.pdf);
    const fonts = await runTool("pdffonts", [made.pdf]);
    if (fonts.found) {
      const rows = fonts.output.trim().split("\n").slice(2);
      assert.ok(rows.length > 5);
      for (const row of rows) assert.match(row, / yes yes (?:yes|no) +\d+ +\d+$/); // embedded, subset
      assert.equal((await runTool("pdfimages", ["-list", made.pdf])).output.trim().split("\n").length, 2); // no image
    }

    const rule = recordFolders(join(folder, "runs")).find((path) => path.includes("rule"))!;
    const kept = join(folder, "kept");
    cpSync(rule, kept, { recursive: true });
    rmSync(rule, { recursive: true });
    const without = { ...data, results: mainResults(shop, join(folder, "runs")) };
    await assert.rejects(makeThesis(figures, without, { folder: copy, readme: null }), {
      name: "RunError",
      message: /There is no number "(?:\w+\/)+rule/,
    });
    assert.ok(!existsSync(made.pdf), "an old PDF must not be taken for the new one");

    cpSync(kept, rule, { recursive: true });
    const chapter = join(copy, "chapters/conclusion.tex");
    const good = readFileSync(chapter, "utf8");
    writeFileSync(chapter, `${good}\nSee Figure~\\ref{fig:nowhere}.\n`);
    await assert.rejects(
      makeThesis(figures, data, { folder: copy, readme: null }),
      /Reference "fig:nowhere" is undefined/,
    );
    writeFileSync(chapter, good);
    assert.deepEqual(
      readFileSync((await makeThesis(figures, data, { folder: copy, readme: null })).pdf!),
      first,
    );

    // one reward of one episode: the document is another
    paidLess(rule);
    const changed = { ...data, results: mainResults(shop, join(folder, "runs")) };
    const rebuilt = await makeThesis(figures, changed, { folder: copy, readme: null });
    assert.ok(!readFileSync(rebuilt.pdf!).equals(first), "the PDF shows another number");
  });
});
