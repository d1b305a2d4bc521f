/** The thesis from fake records, through LaTeX: what changes a number changes the document, and what lacks one stops it. */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { figures } from "../../../figures/index.js";
import { recordFolders } from "../../../lib/records/index.js";
import { mainResults, makeThesis, runTool, type StudyData } from "../../../lib/results/index.js";
import { fakeShop, fakeStudy } from "../../results/fake-study.js";
import { paidLess } from "../../runs/fakes.js";

describe("the thesis", () => {
  let folder: string;
  let data: StudyData;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "aisle-thesis-"));
    data = await fakeStudy(folder);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

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
    const without = { ...data, results: mainResults(fakeShop, join(folder, "runs")) };
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
    const changed = { ...data, results: mainResults(fakeShop, join(folder, "runs")) };
    const rebuilt = await makeThesis(figures, changed, { folder: copy, readme: null });
    assert.ok(!readFileSync(rebuilt.pdf!).equals(first), "the PDF shows another number");
  });
});
