import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { InputError } from "../../../lib/base/index.js";
import {
  buildCatalogue,
  openCatalogue,
  webShopSource,
  type WebShopFiles,
} from "../../../lib/simulator/catalogue/index.js";
import { indexText } from "../../../lib/simulator/index.js";
import { recipeProducts } from "../../../lib/simulator/recipe/index.js";
import { aisle, type Run } from "../../cli/run.js";

const folder = mkdtempSync(join(tmpdir(), "aisle-import-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

/** Writes a file and returns its path. */
function file(name: string, content: unknown): string {
  writeFileSync(
    at(name),
    typeof content === "string" || Buffer.isBuffer(content) ? content : JSON.stringify(content),
  );
  return at(name);
}

const row = (asin: string, more: object = {}): object => ({
  asin,
  name: `Product ${asin}`,
  full_description: "",
  small_description: ["one", "two"],
  pricing: "$10.00",
  customization_options: "",
  images: ["https://example.org/a.jpg"],
  category: "garden",
  query: "Lamps ",
  product_category: "Home › Lamps",
  seller_name: "dropped",
  ...more,
});
const attributes = file("ins.json", {
  A1: { attributes: ["soft"], instruction: "Find me lamps", instruction_attributes: ["soft"] },
  A2: { attributes: [] },
});

async function load(files: Partial<WebShopFiles>, out = at("out")) {
  const source = webShopSource({ attributes, goals: "synthetic", ...files });
  await buildCatalogue(source, out);
  return { shop: openCatalogue(out), dropped: source.dropped };
}

/** The import fails with one sentence that matches, and leaves nothing. */
async function refused(files: Partial<WebShopFiles>, pattern: RegExp): Promise<void> {
  const out = at("never");
  await assert.rejects(load(files, out), (error) => {
    assert.ok(error instanceof InputError, String(error));
    assert.match(error.message, pattern);
    assert.doesNotMatch(error.message, /\n/);
    assert.ok(error.message.length < 500, error.message);
    return true;
  });
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith("never")),
    [],
  );
}

describe("catalogue: importing WebShop's files", () => {
  it("reads rows as WebShop does: the first of two equal ASINs stays, long and missing ones go", async () => {
    const rows = [
      row("A1"),
      row("nan", { pricing: 3 }),
      row("A2", { pricing: "$5.00 - $8.00" }),
      row("A1"),
      row("ELEVENCHARS"),
    ];
    const { shop, dropped } = await load({ products: file("rows.json", rows) });
    assert.equal(shop.size, 2);
    assert.deepEqual(dropped, { duplicates: 1, badAsins: 2 });
    assert.deepEqual(shop.product(0).attributes, ["soft"]);
    assert.equal(shop.product(1).query, "lamps");
    assert.equal(shop.goalCount, 1);
    assert.match(shop.goal(0).instruction, /^Find me lamps, and price lower than \d+\.00 dollars$/);
  });

  it("reads gzip, takes the first rows only, and gives a product without attributes the usual stand-in", async () => {
    const packed = file("rows.json.gz", gzipSync(JSON.stringify([row("B1"), row("B2"), row("B3")])));
    const { shop } = await load({ products: packed, limit: 2 });
    assert.equal(shop.size, 2);
    assert.deepEqual(shop.product(0).attributes, ["DUMMY_ATTR"]);
  });

  it("makes human goals of people's requests", async () => {
    const instructions = file("human.json", {
      A1: [
        {
          instruction: "a soft lamp.",
          instruction_attributes: ["soft"],
          instruction_options: ["red"],
          worker_id: "x",
        },
        { instruction: "nothing", instruction_attributes: [], instruction_options: [] },
      ],
    });
    const { shop } = await load({ products: file("rows.json", [row("A1")]), instructions, goals: "human" });
    assert.equal(shop.goalCount, 1);
    assert.deepEqual(shop.goal(0).options, ["red"]);
    await assert.rejects(load({ products: at("rows.json"), goals: "human" }), /--instructions/);
  });

  it("agrees with a whole shop's rows, options and all", async () => {
    const records = [...recipeProducts({ products: 300 })];
    const products = file(
      "recipe.json",
      JSON.stringify(
        records.map(({ raw }) => raw),
        null,
        1,
      ),
    );
    const ins = Object.fromEntries(
      records.map(({ raw, attributes: a, synthetic }) => [raw.asin, { attributes: a, ...synthetic }]),
    );
    const { shop } = await load({ products, attributes: file("recipe-ins.json", ins) });
    assert.equal(shop.size, 300);
    records.forEach(({ raw, attributes: a }, i) => {
      assert.equal(shop.product(i).title, raw.name);
      assert.deepEqual(shop.product(i).attributes, a);
    });
  });

  it("takes what WebShop takes: whatever Python calls false, NaN where nobody reads, odd images, a bad row's twin", async () => {
    const {
      asin: _,
      pricing: __,
      customization_options: ___,
      images: ____,
      ...less
    } = row("C9") as Record<string, unknown>;
    const nothing = ["", null, [], {}, 0, false];
    const rows = [
      ...nothing.map((value, i) => row(`C${i}`, { customization_options: value, pricing: value })),
      { asin: "C9", ...less },
      row("C10", {
        customization_options: { size: "", Fit: [], colour: {}, none: null, cut: [{ value: "A/b " }] },
      }),
      row("C11", { images: "http://x" }),
      row("C12", { images: [] }),
      row("C13", { images: [7] }),
      row("C0", { name: 7 }), // a repeated ASIN, which WebShop drops unread
    ];
    const text = JSON.stringify(rows).replaceAll(
      '"seller_name":"dropped"',
      '"a":NaN,"b":[-Infinity,{"c":Infinity}],"NaN":"a \\"NaN\\" b"',
    );
    assert.throws(() => JSON.parse(text) as unknown);
    const { shop, dropped } = await load({ products: file("rows.json", text) });
    assert.equal(shop.size, 11);
    assert.equal(dropped.duplicates, 1);
    for (let i = 0; i < 7; i++) {
      assert.deepEqual([shop.product(i).options, shop.product(i).pricing], [[], [100]], String(i));
    }
    assert.deepEqual(shop.product(7).options, [
      { name: "size", values: [] },
      { name: "fit", values: [] },
      { name: "colour", values: [] },
      { name: "cut", values: ["a | b"] },
    ]);
    assert.deepEqual(
      [8, 9, 10].map((i) => shop.product(i).mainImage),
      ["h", "", ""],
    );
    // Text that says NaN stays text.
    const named = JSON.stringify([row("C1", { name: 'NaN "NaN" \\ Infinity', x: 0 })]).replace(
      '"x":0',
      '"x":NaN',
    );
    assert.equal(
      (await load({ products: file("rows.json", named) })).shop.product(0).title,
      'NaN "NaN" \\ Infinity',
    );
  });

  it("takes attribute entries without attributes and requests without them, as WebShop does", async () => {
    const instructions = file("human.json", {
      A1: [
        { instruction_attributes: [], instruction: null },
        { instruction: "a lamp", instruction_attributes: ["soft"], instruction_options: [] },
      ],
    });
    const entries = file(
      "some.json",
      '{"A1": {"instruction": null, "price": NaN}, "A2": {"attributes": ["x"]}}',
    );
    const products = file("rows.json", [row("A1"), row("A2")]);
    const { shop } = await load({ products, attributes: entries, instructions, goals: "human" });
    assert.deepEqual(shop.product(0).attributes, ["DUMMY_ATTR"]);
    assert.equal(shop.goalCount, 1);
  });

  it("passes over bad rows, lines and entries if asked to, and lists each", async () => {
    const rows = JSON.stringify([
      row("S1"),
      row("S2", { name: 7 }),
      row("S3", { pricing: "cheap" }),
      row("S4"),
      0,
      row("S5"),
    ]);
    const problems: string[] = [];
    const skipBad = (problem: InputError): void => void problems.push(problem.message);
    const files = {
      products: file("bad.json", rows.replace(",0,", ',{"asin":nul},')),
      attributes: file("bad-ins.json", '{"S1": {"attributes": ["a"]}, "S4": {"attributes": 7}, "S5": {nul}}'),
      skipBad,
    };
    const { shop } = await load(files);
    assert.deepEqual(
      [0, 1, 2].map((i) => shop.product(i).asin),
      ["S1", "S4", "S5"],
    );
    assert.deepEqual(
      [0, 1].map((i) => shop.product(i).attributes),
      [["a"], ["DUMMY_ATTR"]],
    );
    const patterns = [
      /"S4" of .*"attributes"/,
      /record 3/,
      /Record 2 .*"name"/,
      /Record 3 .*"cheap"/,
      /record 5, byte \d+/,
    ];
    assert.equal(problems.length, patterns.length, problems.join("\n"));
    patterns.forEach((pattern, i) => assert.match(problems[i]!, pattern));
    // What cannot be read on is still refused, and so is a file without one good row.
    await refused({ ...files, products: file("bad.json", rows.slice(0, -1)) }, /cut off/);
    await refused({ ...files, products: file("bad.json", "[0, 1]") }, /no product/);
  });

  it("says what is wrong in which record of which file", async () => {
    const rows = (...list: unknown[]): Partial<WebShopFiles> => ({ products: file("bad.json", list) });
    await refused(rows(row("A1"), { ...row("A2"), name: 7 }), /Record 2 of .*bad\.json.*A2.*"name"/);
    await refused(rows(row("A1", { pricing: "cheap" })), /Record 1 .*unreadable price "cheap"/);
    await refused(rows(row("A1", { customization_options: [1] })), /customization_options/);
    await refused(rows(3), /Record 1/);
    await refused(rows(), /no product/);
    await refused({ products: file("bad.json", '{"a": 1}') }, /JSON array/);
    await refused(
      { products: file("bad.json", `[${JSON.stringify(row("A1"))}, {"asin": nan}]`) },
      /record 2, byte \d\d\d/,
    );
    await refused(
      { products: file("bad.json", `[${JSON.stringify(row("A1"))}, {"asin": NaN}]`) },
      /Record 2 .*"asin".*NaN.*--skip-bad/,
    );
    await refused({ products: file("bad.json", `[${JSON.stringify(row("A1"))}`) }, /cut off in the middle/);
    await refused({ products: file("bad.json", "") }, /bad\.json/);
    await refused({ products: file("bad.json", "PK\u0003\u0004binary") }, /not the JSON/);
    await refused({ products: at("absent.json") }, /does not exist/);
    await refused({ products: folder }, /folder/);
    await refused(
      { products: file("good.json", [row("A1")]), attributes: file("bad.json", []) },
      /JSON object/,
    );
    await refused(
      { products: at("good.json"), attributes: file("bad.json", { A1: { attributes: "soft" } }) },
      /"A1".*attributes/,
    );
    const gzip = gzipSync(
      JSON.stringify(Array.from({ length: 500 }, (_, i) => row(`G${i}`, { name: `${i * 7919}` }))),
    );
    await refused({ products: file("bad.json.gz", gzip.subarray(0, gzip.length >> 1)) }, /cut off/);
    gzip[gzip.length >> 1]! ^= 0xff;
    await refused({ products: file("bad.json.gz", gzip) }, /bad\.json\.gz/);
  });

  it("refuses bad documents: repeated, mislabelled, cut off, negative or no price", async () => {
    const document = (asin: string, more: object = {}): string =>
      JSON.stringify({
        id: asin,
        contents: "",
        product: {
          asin,
          Title: "Lamp",
          Description: "",
          BulletPoints: [],
          pricing: [1],
          options: {},
          category: "garden",
          query: "lamps",
          product_category: "",
          MainImage: "",
          ...more,
        },
      });
    const lines = (...list: string[]): Partial<WebShopFiles> => ({
      documents: file("docs.jsonl", list.join("\n")),
    });
    const { shop } = await load(lines(document("D1"), "", document("D2")));
    assert.equal(shop.size, 2);
    await refused(lines(document("D1"), document("D2"), document("D1")), /Record 3 .*ASIN D1 of record 1/);
    await refused(lines(document("D1", { asin: "D9" })), /Record 1 .*D1.*D9/);
    await refused(lines(document("D1"), document("D2").slice(0, 40)), /Line 2 .*ends in the middle/);
    await refused(lines(document("D1", { pricing: [-1] })), /Record 1 .*pricing/);
    await refused(lines(document("D1").replace("[1]", "[NaN]")), /Record 1 .*pricing.*NaN/);
    await refused(lines(document("D1").replace("[1]", "[nan]")), /Line 1 .*not JSON/);
    await refused(lines(document("D1", { pricing: [] })), /pricing/);
    await refused(lines(document("D1", { BulletPoints: "x" })), /BulletPoints/);
    await refused(lines("[]"), /Record 1/);
    await refused(lines(""), /no product/);
  });

  it("never fails in another way, whatever is cut out of or put into the files", async function () {
    this.timeout(60_000);
    const good = JSON.stringify([
      row("A1"),
      row("A2", { customization_options: { size: [{ value: "7" }] } }),
    ]);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(good.length),
        fc.nat(40),
        fc.string({ maxLength: 6, unit: "binary" }),
        async (from, cut, put) => {
          const products = file("fuzz.json", good.slice(0, from) + put + good.slice(from + cut));
          try {
            (await load({ products }, at("fuzzed"))).shop.close();
          } catch (error) {
            assert.ok(error instanceof InputError, String(error));
          }
        },
      ),
      { numRuns: 80 },
    );
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith(".part")),
      [],
    );
  });

  it("works from the command line, and refuses there with exit code 2", async function () {
    this.timeout(60_000);
    const run = (...args: string[]): Promise<Run> => aisle(args);
    const products = file("rows.json", [row("A1"), row("A2")]);
    const made = await run(
      "data",
      "import",
      "--products",
      products,
      "--attributes",
      attributes,
      "--out",
      at("cli"),
      "--json",
    );
    assert.equal(made.code, 0, made.stderr);
    const { fingerprint, goals } = JSON.parse(made.stdout) as { fingerprint: string; goals: number };
    const info = JSON.parse((await run("data", "info", "--data", at("cli"), "--json")).stdout) as Record<
      string,
      unknown
    >;
    delete info["tagger"]; // test/cli has it
    assert.deepEqual(info, { products: 2, goals, splits: { test: 1, dev: 0, train: 0 }, fingerprint });
    const found = JSON.parse(
      (await run("search", "product", "A2", "--data", at("cli"), "--json")).stdout,
    ) as {
      total: number;
      results: { asin: string }[];
    };
    assert.equal(found.total, 2);
    assert.equal(found.results[0]!.asin, "A2");
    const broken = file("broken.json", [row("A1"), row("A2", { name: null }), row("A3")]);
    const source = ["--products", broken, "--attributes", attributes, "--out", at("cli3"), "--json"];
    const refusal = await run("data", "import", ...source);
    assert.equal(refusal.code, 2);
    assert.match(refusal.stderr, /Record 2 .*--skip-bad/);
    const rest = await run("data", "import", ...source, "--skip-bad");
    assert.equal(rest.code, 0, rest.stderr);
    assert.match(rest.stderr, /Passed over: Record 2 of .*A2.*"name"/);
    const said = JSON.parse(rest.stdout) as { products: number; bad: number };
    assert.deepEqual([said.products, said.bad], [2, 1]);
    const bad = await run(
      "data",
      "import",
      "--products",
      at("absent"),
      "--attributes",
      attributes,
      "--out",
      at("cli2"),
    );
    assert.equal(bad.code, 2);
    assert.match(bad.stderr.trim(), /^aisle: [^\n]*absent: it does not exist\.$/m);
    assert.ok(!existsSync(at("cli2")));
  });

  it("indexes the very text of the 100 real documents", async function () {
    const real = process.env["AISLE_WEBSHOP_REAL"] ?? "../shared/webshop-real";
    if (!existsSync(join(real, "documents_100.jsonl"))) {
      process.stdout.write(`      skipped: ${real} is not here (set AISLE_WEBSHOP_REAL)\n`);
      this.skip();
    }
    const documents = join(real, "documents_100.jsonl");
    const { shop } = await load({ documents, attributes: join(real, "items_ins_v2_1000.json") });
    assert.equal(shop.size, 100);
    const lines = readFileSync(documents, "utf8").trim().split("\n");
    lines.forEach((line, i) => {
      const { id, contents } = JSON.parse(line) as { id: string; contents: string };
      assert.equal(indexText(shop.product(i)), contents);
      assert.equal(shop.indexOf(id), i);
    });
    assert.ok(shop.goalCount > 300);
  });
});
