import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { contentWords } from "../../lib/agents/index.js";
import {
  asRawProduct,
  cleanProduct,
  recipeId,
  type RecipeRecord,
  recipeProducts,
} from "../../lib/simulator/index.js";
import { readWords } from "../../lib/simulator/recipe/words.js";

const hash = (records: readonly RecipeRecord[]): string =>
  createHash("sha256").update(JSON.stringify(records)).digest("hex");

describe("the embedded shop's recipe", () => {
  const shop = [...recipeProducts({ products: 3000 })];
  const requests = shop.flatMap(({ instructions }) => instructions);

  it("makes the same bytes from the same seed, and others from another", () => {
    assert.equal(hash([...recipeProducts({ products: 3000 })]), hash(shop));
    assert.notEqual(hash([...recipeProducts({ products: 3000, seed: 1 })]), hash(shop));
  });

  it("begins a larger shop with the smaller one", () => {
    assert.equal(hash([...recipeProducts({ products: 100 })]), hash(shop.slice(0, 100)));
  });

  it("writes rows that WebShop's loader takes, with ASINs of their own", () => {
    const asins = new Set<string>();
    for (const record of shop) {
      const product = cleanProduct(asRawProduct(record.raw), record.attributes);
      assert.match(product.asin, /^B0\d[0-9A-Z]{7}$/);
      asins.add(product.asin);
      assert.ok(product.pricing.every((price) => price >= 3 && price < 2500));
      assert.ok(product.title.length >= 3 && !/\s{2}|undefined|[{}]/.test(product.title), product.title);
      assert.ok(product.bulletPoints.length >= 3);
      assert.ok(!/undefined|[{}]/.test(product.bulletPoints.join(" ") + product.description));
      for (const group of product.options) assert.equal(new Set(group.values).size, group.values.length);
    }
    assert.equal(asins.size, shop.length);
  });

  it("has the shape of the real listings", () => {
    const fraction = (test: (record: RecipeRecord) => boolean): number =>
      shop.filter(test).length / shop.length;
    const between = (value: number, low: number, high: number): void =>
      assert.ok(value >= low && value <= high, `${value} is not in ${low}–${high}`);
    between(
      fraction(({ raw }) => raw.customization_options === ""),
      0.52,
      0.66,
    );
    between(
      fraction(({ raw }) => raw.full_description === ""),
      0.24,
      0.4,
    );
    between(
      fraction(({ raw }) => raw.pricing!.includes(" - ")),
      0.09,
      0.17,
    );
    between(
      fraction(({ raw }) => raw.pricing === ""),
      0.02,
      0.06,
    );
    between(
      fraction(({ attributes }) => attributes.length === 0),
      0,
      0.02,
    );
    assert.equal(new Set(shop.map(({ raw }) => raw.category)).size, 5);
    assert.ok(new Set(shop.map(({ raw }) => raw.product_category)).size > 150);
  });

  it("has near-duplicates: listings of one kind whose titles share most of their words, though they differ", () => {
    const kinds = new Map<string, Set<string>[]>();
    let near = 0;
    for (const { raw } of shop) {
      const words = new Set(raw.name.toLowerCase().match(/[a-z0-9]+/g));
      const others = kinds.get(raw.product_category!) ?? [];
      const shares = (other: Set<string>): boolean => {
        const common = [...words].filter((word) => other.has(word)).length;
        return common / (words.size + other.size - common) >= 0.6;
      };
      if (others.some(shares)) near++;
      kinds.set(raw.product_category!, [...others, words]);
    }
    // Some 55 titles come this close by chance alone.
    assert.ok(near > 90, `only ${near} near-duplicates`);
    assert.ok(new Set(shop.map(({ raw }) => raw.name)).size > 0.99 * shop.length);
  });

  it("asks for what the product has: attributes of its hidden list and values of its options", () => {
    assert.ok(requests.length > 1000);
    for (const { raw, attributes, instructions } of shop) {
      const values = cleanProduct(raw, attributes).options.flatMap((group) => group.values);
      for (const request of instructions) {
        assert.ok(request.instruction_attributes.length >= 1 && request.instruction_attributes.length <= 4);
        for (const attribute of request.instruction_attributes) assert.ok(attributes.includes(attribute));
        for (const option of request.instruction_options) assert.ok(values.includes(option));
        assert.ok(request.instruction.split(" ").length >= 3, request.instruction);
        assert.ok(!/undefined|[{}]|\s{2}/.test(request.instruction), request.instruction);
      }
    }
  });

  it("asks in varied words", () => {
    assert.ok(new Set(requests.map(({ instruction }) => instruction)).size > 0.99 * requests.length);
    const openings = requests.map(({ instruction }) => instruction.split(" ").slice(0, 3).join(" "));
    assert.ok(new Set(openings).size > 60);
  });

  it("names a word list that is not there", () => {
    assert.throws(() => readWords("no-such-folder"), /no-such-folder.*does not exist/);
  });

  it("has a second version: longer titles, and pages that tell what the list hides", () => {
    const second = [...recipeProducts({ products: 1000, version: 2 })];
    const words = (text: string): number => text.split(/\s+/).length;
    const meanWords = (records: readonly RecipeRecord[]): number =>
      records.reduce((sum, { raw }) => sum + words(raw.name), 0) / records.length;
    const stated = (records: readonly RecipeRecord[], of: (record: RecipeRecord) => string): number => {
      const all = records.flatMap((record) => {
        const own = new Set(contentWords(of(record)));
        return record.attributes.map((name) => contentWords(name).every((stem) => own.has(stem)));
      });
      return all.filter(Boolean).length / all.length;
    };
    const title = ({ raw }: RecipeRecord): string => raw.name;
    const page = ({ raw }: RecipeRecord): string =>
      [raw.name, ...(raw.small_description as string[]), raw.full_description].join(" ");
    const first = shop.slice(0, 1000);
    assert.ok(meanWords(first) < 11 && meanWords(second) > 17 && meanWords(second) < 19);
    assert.ok(
      Math.abs(stated(second, title) - stated(first, title)) < 0.03,
      "titles state as many as before",
    );
    assert.ok(stated(first, page) < 0.8 && stated(second, page) > 0.9);
    assert.notEqual(recipeId({ version: 2 }), recipeId());
    assert.equal(recipeId({ version: 1 }), "95c9c5cb48ba", "records were made on the first version's shop");
  });
});
