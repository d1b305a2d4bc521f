import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { figureNamed, figures, figureSvg } from "../../figures/index.js";
import {
  agentStyle,
  asPrinted,
  cellsOf,
  grouped,
  knownAgents,
  labelHeights,
  ladder,
  latexText,
  mainResults,
  makeFigures,
  makeTables,
  numbers,
  publishedResults,
  readmeBlock,
  recordsTable,
  renderChart,
  resultsTable,
  type StudyData,
  type StudyShop,
  tables,
  textWidth,
  toHtml,
  toLatex,
  toMarkdown,
  withResults,
} from "../../lib/results/index.js";
import { evaluate } from "../../lib/runs/index.js";
import { recordFolders } from "../../lib/records/index.js";
import { fakeAgent, fakeEnvironment, paidLess } from "../runs/fakes.js";

/** Methods whose row says that there is no record. */
const expectedMethods = ladder.filter(({ shown }) => shown === "expected").map(({ name }) => name);

describe("tables and figures from records", function () {
  this.timeout(180_000);
  let whole: string;
  let folder: string;
  let runs: string;
  /** Of records that no test changes: made once, since intervals take a while. */
  let given: StudyData;
  const environment = fakeEnvironment(60);
  const shop: StudyShop = {
    fingerprint: "fake-1",
    products: 10_000,
    goals: 60,
    test: { first: 0, count: 40 },
  };
  const published = publishedResults();
  const data = (of = runs): StudyData => ({
    shop,
    results: mainResults(shop, of),
    published,
    training: [],
    ablations: [],
    episode: null,
    judged: null,
  });

  before(async () => {
    whole = mkdtempSync(join(tmpdir(), "aisle-study-"));
    const common = { environment, split: "test" as const, goals: { first: 0, count: 40 }, runs: whole };
    for (const name of ["random", "prompted", "il"]) {
      await evaluate({ ...common, agent: fakeAgent(name), seeds: [0, 1, 2] });
    }
    for (const name of ["rule", "match", "oracle"]) await evaluate({ ...common, agent: fakeAgent(name) });
    given = data(whole);
  });
  after(() => rmSync(whole, { recursive: true, force: true }));
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "aisle-study-"));
    runs = join(folder, "runs");
    cpSync(whole, runs, { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("uses only the records of this shop, all test goals and the expected seeds", async () => {
    const other = { split: "test" as const, runs, agent: fakeAgent("rule") };
    await evaluate({ ...other, environment: fakeEnvironment(60, "fake-2"), goals: { first: 0, count: 40 } });
    await evaluate({ ...other, environment, goals: { first: 0, count: 39 } });
    await evaluate({ ...other, environment, goals: { first: 0, count: 40 }, seeds: [5] });
    const results = data().results;
    assert.deepEqual(
      results.map(({ agent, record }) => [agent, record?.identity.data.fingerprint, record?.results.length]),
      [
        ["random", "fake-1", 120],
        ["rule", "fake-1", 40],
        ["match", "fake-1", 40],
        ["prompted", "fake-1", 120],
        ["il", "fake-1", 120],
        ["oracle", "fake-1", 40],
        ...expectedMethods.map((agent) => [agent, undefined, undefined]),
      ],
    );
  });

  it("refuses to choose between two records of the same agent", async () => {
    const rule = fakeAgent("rule", { options: "first" });
    await evaluate({ environment, split: "test", goals: { first: 0, count: 40 }, runs, agent: rule });
    assert.throws(data, { name: "InputError", message: /both results of rule/ });
  });

  it("says which record is missing instead of dropping its row", async () => {
    rmSync(
      recordFolders(runs).find((path) => path.includes("rule"))!,
      { recursive: true },
    );
    const given = data();
    const made = makeTables(given, { folder, readme: null });
    assert.equal(made.missing[0], "npx aisle evaluate --agent rule");
    assert.equal(made.missing.length, 1 + expectedMethods.length);
    assert.match(resultsTable(given), /Rule +no record: npx aisle evaluate --agent rule/);
    assert.match(toMarkdown(tables(given)[0]!), /\|Rule\|no record/);
    assert.match(toLatex(tables(given)[0]!), /Rule & no record/);
    assert.doesNotMatch(readFileSync(join(folder, "numbers.tex"), "utf8"), /score\/rule/);
    assert.match(await figureSvg("results-ladder", given), /Rule \(no record\)/);
  });

  it("prints a record's numbers: changing one reward changes tables, macros and figure", async () => {
    paidLess(recordFolders(runs).find((path) => path.includes("rule"))!);
    const changed = data();
    const score = (of: StudyData): unknown => numbers(shop, of.results, published).get("score/rule");
    assert.notEqual(score(changed), score(given));
    assert.notEqual(toLatex(tables(changed)[0]!), toLatex(tables(given)[0]!));
    assert.notEqual(await figureSvg("results-ladder", changed), await figureSvg("results-ladder", given));
  });

  it("writes the same cells as Markdown, HTML, LaTeX and text", () => {
    const { summary } = given.results.find(({ agent }) => agent === "rule")!;
    const cell = `${summary!.score.value.toFixed(1)} [${summary!.score.lo.toFixed(1)}, ${summary!.score.hi.toFixed(1)}]`;
    const [main, parts] = tables(given);
    for (const text of [toMarkdown(main!), toHtml(main!), toLatex(main!), resultsTable(given)]) {
      assert.ok(text.includes(cell), `${cell} is not in ${text}`);
    }
    // Every cell in its own column, in tables with columns of similar names too.
    for (const document of tables(given)) {
      for (const section of document.sections) {
        const lines = toMarkdown({ ...document, sections: [{ ...section, heading: "" }], notes: [] }).split(
          "\n",
        );
        const written = lines
          .slice(2, 2 + section.table.numRows())
          .map((line) => line.split("|").slice(1, -1));
        assert.deepEqual(written, cellsOf(section), document.name);
      }
    }
    const twice = {
      ...main!.sections[0]!,
      columns: [...main!.sections[0]!.columns, main!.sections[0]!.columns[0]!],
    };
    assert.throws(() => toHtml({ ...main!, sections: [twice] }), /Two columns of a table are called "Agent"/);
    assert.match(toLatex(main!), /Goals \$\\times\$ seeds/);
    assert.match(toLatex(main!), /GiGPO~\\cite\{feng2025gigpo\}/);
    assert.match(toMarkdown(main!), /\|GRPO \(b\)\|Qwen2\.5-1\.5B\|63\.65\|31\.2\|/);
    assert.match(toHtml(parts!), /<td[^>]*>IL\+RL \(a\)/);
    // published rows carry the mark of a protocol that is explained beneath
    for (const { protocol } of published.results) {
      const { mark, text } = published.protocols[protocol]!;
      assert.ok(main!.notes.some((note) => note.mark === mark && note.text === text));
    }
  });

  it("renders every figure twice to the same bytes, as vectors, in the thesis's font", async () => {
    for (const name of figures.map((figure) => figure.name)) {
      const svg = await figureSvg(name, given);
      assert.equal(await figureSvg(name, given), svg);
      assert.match(svg, /^<svg [^>]*><title>/);
      assert.match(svg, /font-family="Latin Modern Roman/);
      assert.doesNotMatch(svg, /<image|NaN|undefined/);
      const width = Number(/width="(\d+)"/.exec(svg)![1]);
      assert.ok(width > 450 && width <= 567, `${name} is ${width} px wide`); // unscaled in a text block of 567 px
    }
    await assert.rejects(figureSvg("nonsense", given), {
      name: "InputError",
      message: /there are .*results-ladder/,
    });
  });

  it("draws the deviations that others printed, and no bar where they printed none", async () => {
    const printed = published.results.filter(({ sd }) => sd).length;
    assert.ok(printed > 0 && printed < published.results.length);
    const without = {
      ...given,
      published: {
        ...published,
        results: published.results.map(({ sd: _, ...rest }) => rest),
      },
    };
    const [shown, bare] = [
      await figureSvg("results-ladder", given),
      await figureSvg("results-ladder", without),
    ];
    const lengths = (svg: string): number =>
      [...svg.matchAll(/<line [^>]*x2="(-?[\d.]+)"[^>]*stroke="#6b6b6b"/g)].filter(
        ([, x2]) => Number(x2) !== 0,
      ).length;
    assert.equal(lengths(shown), 2 * printed); // in score and in success
    assert.equal(lengths(bare), 0);
  });

  it("names every record that it prints: evaluations in the main table's rows, all in the list of records", () => {
    const [main] = tables(given);
    const list = toMarkdown(recordsTable(given));
    for (const { record } of given.results) {
      if (!record) continue;
      assert.ok(toMarkdown(main!).includes(`|${record.id}|`), record.id);
      const [, name, key] = /^(.*)-([0-9a-f]{10})$/.exec(record.id)!;
      assert.match(list, new RegExp(`\\|${name}\\|[\\d–]+\\|${key}\\|`));
    }
    assert.match(list, /none yet/); // no training record here
  });

  it("leaves files alone that would not change", async () => {
    const first = await makeFigures([figureNamed("reward-parts")], given, { folder });
    const { svg } = first[0]!;
    const { mtimeMs, ino } = statSync(svg);
    const second = await makeFigures([figureNamed("reward-parts")], given, { folder });
    assert.deepEqual(second, first);
    assert.deepEqual([statSync(svg).mtimeMs, statSync(svg).ino], [mtimeMs, ino]);
  });

  it("puts the results between the README's markers, and nowhere else", () => {
    const readme = "# Title\n\n<!-- results:start -->\nold\n<!-- results:end -->\n\ntext\n";
    const once = withResults(readme, readmeBlock(given));
    assert.ok(once.startsWith("# Title\n") && once.endsWith("\n\ntext\n") && !once.includes("old"));
    assert.equal(withResults(once, readmeBlock(given)), once);
    assert.throws(() => withResults("# Title\n", "x"), { name: "InputError" });
    assert.throws(() => withResults("<!-- results:end --><!-- results:start -->", "x"), {
      name: "InputError",
    });
  });
});

describe("the pieces of tables and charts", () => {
  it("treats a chart that Vega-Lite warns about as an error", async () => {
    const spec = { data: { values: [{ a: 1 }] }, mark: "bar" as const };
    await assert.rejects(
      renderChart({
        ...spec,
        encoding: { x: { field: "a", type: "quantitative" }, z: { field: "a" } },
      } as never),
      /Vega-Lite/,
    );
    await assert.rejects(renderChart({ mark: "nonsense" } as never));
    assert.match(
      await renderChart({ ...spec, encoding: { x: { field: "a", type: "quantitative" } } }),
      /^<svg/,
    );
  });

  it("tells agents apart by colour and shape, and by dashes within a shape", () => {
    const looks = knownAgents()
      .filter((name) => name !== "imitation") // another name of il
      .map(agentStyle);
    const unique = (keys: string[]): void => assert.equal(new Set(keys).size, keys.length, keys.join("\n"));
    unique(looks.map(({ colour, shape }) => `${colour} ${shape}`));
    unique(looks.map(({ dash, shape }) => `${dash.join()} ${shape}`));
    unique(looks.map(({ label }) => label));
    unique(looks.map(({ order }) => String(order)));
  });

  it("puts labels beside the ends of lines without overlap", () => {
    const heights = (values: number[], gap: number, floor?: number): number[] => {
      const placed = labelHeights(
        values.map((value, i) => ({ name: String(i), value })),
        gap,
        floor,
      );
      return values.map((_, i) => placed.get(String(i))!);
    };
    assert.deepEqual(heights([10, 30, 20], 5), [10, 30, 20]);
    assert.deepEqual(heights([10, 10, 40], 4), [8, 12, 40]);
    assert.deepEqual(heights([1, 0, 2], 4, 0), [4, 0, 8]);
    assert.deepEqual(heights([], 4), []);
  });

  it("knows the widths of the thesis's letters", () => {
    assert.equal(textWidth("AV", 10), 15);
    assert.equal(textWidth("iii", 10, true), 9.57);
    assert.equal(textWidth("", 10), 0);
  });

  it("escapes LaTeX, groups thousands, prints published numbers as printed", () => {
    assert.equal(
      latexText("a_b & 5 % of $3 {x} ~ ^ \\ #1"),
      String.raw`a\_b \& 5 \% of \$3 \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{} \#1`,
    );
    assert.deepEqual([0, 999, 1000, 1181436].map(grouped), ["0", "999", "1,000", "1,181,436"]);
    assert.deepEqual([36, 45.6, 63.65].map(asPrinted), ["36.0", "45.6", "63.65"]);
  });
});
