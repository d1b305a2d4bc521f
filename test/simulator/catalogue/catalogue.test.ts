import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../../../lib/base/index.js";
import {
  buildCatalogue,
  openCatalogue,
  openShared,
  recipeSource,
  type CatalogueSource,
} from "../../../lib/simulator/catalogue/index.js";
import { cleanProduct, splitRanges, type Product } from "../../../lib/simulator/index.js";
import { recipeProducts } from "../../../lib/simulator/recipe/index.js";

const folder = mkdtempSync(join(tmpdir(), "aisle-catalogue-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

function listSource(products: readonly Product[]): CatalogueSource {
  return {
    name: "a list",
    goals: "synthetic",
    *records() {
      for (const product of products) {
        yield { product, synthetic: { instruction: "Find me it", instruction_attributes: ["soft"] } };
      }
    },
  };
}

const plain: Product = {
  asin: "B000000001",
  title: "Red shoe",
  description: "",
  bulletPoints: ["Soft"],
  pricing: [10, 20],
  priceLabel: "$10.0 to $20.0",
  options: [{ name: "size", values: ["7", "8"] }],
  attributes: ["soft"],
  category: "fashion",
  query: "shoes",
  productCategory: "Clothing › Shoes",
  mainImage: "",
};

describe("catalogue", function () {
  this.timeout(60_000);
  const products = [...recipeProducts({ products: 700 })].map(({ raw, attributes }) =>
    cleanProduct(raw, attributes),
  );

  before(async () => {
    await buildCatalogue(recipeSource({ products: 700 }), at("shop"));
  });

  it("gives back every product, its position, price and lists", () => {
    const shop = openCatalogue(at("shop"));
    assert.equal(shop.size, 700);
    products.forEach((product, i) => {
      assert.deepEqual(shop.product(i), product);
      assert.equal(shop.indexOf(product.asin), i);
      const [low, high = low] = product.pricing;
      assert.ok(shop.price(i) >= low! && shop.price(i) <= high!);
    });
    assert.equal(shop.indexOf("B0NOTTHERE"), -1);
    for (const field of ["category", "query"] as const) {
      const value = products[5]![field];
      assert.deepEqual(
        shop.where(field, value),
        products.flatMap((product, i) => (product[field] === value ? [i] : [])),
      );
    }
    const attribute = products.find((product) => product.attributes.length > 0)!.attributes[0]!;
    assert.deepEqual(
      shop.where("attribute", attribute),
      products.flatMap((product, i) => (product.attributes.includes(attribute) ? [i] : [])),
    );
    assert.deepEqual(shop.where("query", "no such query"), []);
    assert.throws(() => shop.product(700), RangeError);
    assert.throws(() => shop.goal(-1), RangeError);
    shop.close();
  });

  it("finds a product by its own title first, and breaks ties by ASIN", () => {
    const shop = openCatalogue(at("shop"));
    for (const i of [0, 99, 345]) {
      const scores = shop.search(products[i]!.title, 50);
      const own = scores.find(({ index }) => index === i);
      assert.ok(own, products[i]!.title);
      for (let k = 1; k < scores.length; k++) {
        const [a, b] = [scores[k - 1]!, scores[k]!];
        assert.ok(
          a.score > b.score || (a.score === b.score && products[a.index]!.asin < products[b.index]!.asin),
        );
      }
    }
    shop.close();
  });

  it("keeps goals in order, in a fixed split", () => {
    const shop = openCatalogue(at("shop"));
    assert.ok(shop.goalCount > 100);
    for (let g = 0; g < shop.goalCount; g++) {
      const goal = shop.goal(g);
      assert.equal(goal.index, g);
      const target = shop.indexOf(goal.asin);
      assert.ok(target >= 0 && shop.price(target) < goal.priceUpper);
    }
    assert.equal(splitRanges(shop.goalCount).train.end, shop.goalCount);
    shop.close();
  });

  it("is the same bytes wherever it is built, and another fingerprint for another seed", async () => {
    await buildCatalogue(recipeSource({ products: 700 }), at("elsewhere/shop"));
    for (const file of readdirSync(at("shop"))) {
      assert.ok(
        readFileSync(join(at("shop"), file)).equals(readFileSync(join(at("elsewhere/shop"), file))),
        file,
      );
    }
    const other = await buildCatalogue(recipeSource({ products: 700 }), at("other"), { priceSeed: 7 });
    assert.notEqual(other.fingerprint, openCatalogue(at("shop")).fingerprint);
  });

  it("opens in another thread on the same memory", () => {
    const shop = openCatalogue(at("shop"));
    const handle = structuredClone(shop.share());
    const twin = openShared(handle);
    assert.equal(handle.index.buffer.byteLength, shop.share().index.buffer.byteLength);
    assert.deepEqual(twin.search(products[3]!.title, 10), shop.search(products[3]!.title, 10));
    assert.deepEqual(twin.goal(3), shop.goal(3));
    shop.close();
    twin.close();
  });

  it("refuses what is cut off, of another version or no catalogue at all", async () => {
    const shop = at("shop");
    const bad = at("bad");
    await buildCatalogue(recipeSource({ products: 700 }), bad);
    const refused = (pattern: RegExp): void =>
      assert.throws(
        () => openCatalogue(bad),
        (error) => error instanceof InputError && pattern.test(error.message),
      );
    for (const file of ["products.jsonl", "goals.jsonl", "tables.pack", "index.pack"]) {
      const whole = readFileSync(join(shop, file));
      truncateSync(join(bad, file), Math.floor(whole.length / 2));
      refused(/damaged/);
      rmSync(join(bad, file));
      refused(/does not exist/);
      writeFileSync(join(bad, file), whole);
    }
    // As long as they should be, but not what was built: words as "sed" would change them, and one bit.
    for (const [file, word, other] of [
      ["products.jsonl", "the", "teh"],
      ["goals.jsonl", "lower than", "higher tha"],
    ] as const) {
      const text = readFileSync(join(bad, file), "utf8");
      assert.ok(text.includes(word));
      writeFileSync(join(bad, file), text.replace(word, other));
      refused(new RegExp(`${file} is damaged or was altered.*Build the catalogue again`));
      writeFileSync(join(bad, file), text);
    }
    for (const file of ["tables.pack", "index.pack"]) {
      const whole = readFileSync(join(shop, file));
      const bytes = Buffer.from(whole);
      bytes[bytes.length - 100]! ^= 4;
      writeFileSync(join(bad, file), bytes);
      refused(new RegExp(`${file} is damaged or was altered`));
      writeFileSync(join(bad, file), whole);
    }
    openCatalogue(bad).close();
    const manifest = readFileSync(join(bad, "manifest.json"), "utf8");
    for (const [said, other] of [
      ['"products": 700', '"products": 600'],
      ['"priceSeed": 233', '"priceSeed": 234'],
      ['"goalKind": "human"', '"goalKind": "synthetic"'],
      ['"fingerprint": "', '"fingerprint": "0'],
    ] as const) {
      assert.ok(manifest.includes(said), said);
      writeFileSync(join(bad, "manifest.json"), manifest.replace(said, other));
      refused(/manifest\.json is damaged or was altered/);
    }
    writeFileSync(join(bad, "manifest.json"), manifest.replace('"splitHash": "', '"splitHash": "0'));
    refused(/not those that were split/);
    for (const [text, pattern] of [
      ["{", /not JSON/],
      ["[]", /damaged/],
      ['{"format": 999}', /format 999/],
    ] as const) {
      writeFileSync(join(bad, "manifest.json"), text);
      refused(pattern);
    }
    assert.throws(() => openCatalogue(at("nowhere")), /nowhere is not a catalogue: it does not exist/);
  });

  it("takes an older catalogue's place, but nothing else's", async () => {
    await buildCatalogue(listSource([plain]), at("small"));
    await buildCatalogue(listSource([plain, { ...plain, asin: "B2" }]), at("small"));
    assert.equal(openCatalogue(at("small")).size, 2);
    mkdirSync(at("thesis"));
    writeFileSync(join(at("thesis"), "thesis.tex"), "years of work");
    await assert.rejects(buildCatalogue(listSource([plain]), at("thesis")), InputError);
    assert.equal(readFileSync(join(at("thesis"), "thesis.tex"), "utf8"), "years of work");
    writeFileSync(at("file"), "");
    await assert.rejects(buildCatalogue(listSource([plain]), at("file")), InputError);
  });

  it("leaves nothing half-written when the source fails, and clears up after killed builders", async () => {
    const before = readdirSync(folder);
    await assert.rejects(
      buildCatalogue(listSource([plain, plain]), at("twins")),
      (error) => error instanceof InputError && error.message.includes("B000000001"),
    );
    assert.deepEqual(readdirSync(folder), before);
    // No process has this number: it is above what any system gives out.
    mkdirSync(at("small.99999999.abcd1234.part"));
    await buildCatalogue(listSource([plain]), at("small"));
    assert.ok(!existsSync(at("small.99999999.abcd1234.part")));
  });

  describe("after a builder was killed between two renames", () => {
    const dead = 99999999;
    const [newer, older] = [at(`cut.${dead}.abcd1234.part`), at(`cut.${dead}.12345678.old`)];
    const build = async (path: string, count: number): Promise<void> =>
      void (await buildCatalogue(recipeSource({ products: count }), path));
    const beside = (): string[] => readdirSync(folder).filter((name) => name.startsWith("cut."));
    beforeEach(() => rmSync(at("cut"), { recursive: true, force: true }));

    it("puts the new catalogue in its place, if it was complete", async () => {
      await build(newer, 61);
      await build(older, 60);
      assert.equal(openCatalogue(at("cut")).size, 61);
      assert.deepEqual(beside(), []);
    });

    it("or else puts back the old one", async () => {
      await build(newer, 61);
      rmSync(join(newer, "manifest.json"));
      await build(older, 60);
      assert.equal(openCatalogue(at("cut")).size, 60);
      assert.deepEqual(beside(), [`cut.${dead}.abcd1234.part`]);
    });

    it("and the next build replaces it as usual", async () => {
      await build(older, 60);
      let stood = 0;
      await buildCatalogue(recipeSource({ products: 62 }), at("cut"), {
        keep: () => {
          stood = openCatalogue(at("cut")).size;
          return false;
        },
      });
      assert.equal(stood, 60);
      assert.equal(openCatalogue(at("cut")).size, 62);
      assert.deepEqual(beside(), []);
    });

    it("touches nothing of a builder that lives, here or on another machine", async () => {
      const mine = at(`cut.${process.ppid}.abcd1234.old`);
      const theirs = at(`cut.${dead}.0000000012345678.old`);
      await build(mine, 60);
      await build(theirs, 60);
      assert.throws(() => openCatalogue(at("cut")), /does not exist/);
      await build(at("cut"), 61);
      assert.ok(existsSync(mine) && existsSync(theirs));
      // Between two renames lie microseconds: an hour later nobody is at work there.
      rmSync(at("cut"), { recursive: true });
      rmSync(mine, { recursive: true });
      const { now } = Date;
      Date.now = () => now() + 3_600_000;
      try {
        assert.equal(openCatalogue(at("cut")).size, 60);
      } finally {
        Date.now = now;
      }
    });
  });

  it("survives two builders at once", async () => {
    await Promise.all(
      [1, 2, 3].map((seed) => buildCatalogue(recipeSource({ products: 50 + seed }), at("raced"))),
    );
    assert.ok([51, 52, 53].includes(openCatalogue(at("raced")).size));
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith(".part")),
      [],
    );
  });

  it("takes titles of ten megabytes, control characters and no products at all", async () => {
    const strange = [
      { ...plain, title: "long ".repeat(2_000_000) },
      { ...plain, asin: "B2", title: 'a\u0000b\n"\ud800\u2028<b>&amp;</b>', options: [] },
    ];
    await buildCatalogue(listSource(strange), at("strange"));
    const shop = openCatalogue(at("strange"));
    assert.equal(shop.product(0).title.length, 10_000_000);
    assert.equal(shop.product(1).title, 'a\u0000b\n"\ud800\u2028<b>&amp;</b>');
    assert.equal(shop.search("amp", 5)[0]?.index, 1);
    await buildCatalogue(listSource([]), at("empty"));
    const empty = openCatalogue(at("empty"));
    assert.deepEqual(empty.search("shoe", 5), []);
    assert.equal(empty.goalCount, 0);
  });
});
