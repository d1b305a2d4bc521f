import assert from "node:assert/strict";
import fc from "fast-check";
import { InputError } from "../../lib/base/index.js";
import {
  asRawProduct,
  cleanProduct,
  drawPrices,
  fromProcessed,
  indexText,
  isDroppedAsin,
  PythonRandom,
  type RawProduct,
} from "../../lib/simulator/index.js";
import { realLines } from "./real.js";

interface RealDocument {
  readonly id: string;
  readonly contents: string;
  readonly product: Record<string, unknown>;
}

const raw: RawProduct = {
  asin: "B000000001",
  name: "Blue Shoe",
  full_description: "Soft.",
  small_description: ["First", "Second"],
  pricing: "$19.99 - $1,029.99",
  customization_options: {
    Size: [{ value: " 7 / Wide " }, { value: "8/Narrow" }],
    Color: null,
    " Style": [{ value: "Löve" }],
    size: [{ value: "L" }],
  },
  images: [null, "x.jpg"],
  category: "fashion",
  query: " Women's Shoes ",
  product_category: "Clothing › Shoes",
};
const priced = (pricing: string | null): readonly number[] => cleanProduct({ ...raw, pricing }, []).pricing;

describe("simulator: products", () => {
  it("cleans a raw row as WebShop does", () => {
    assert.deepEqual(
      cleanProduct(
        { ...raw, customization_options: { Size: [{ value: " 7 / Wide " }, { value: "8/Narrow" }] } },
        undefined,
      ),
      {
        asin: "B000000001",
        title: "Blue Shoe",
        description: "Soft.",
        bulletPoints: ["First", "Second"],
        pricing: [19.99, 1029.99],
        priceLabel: "$19.99 to $1029.99",
        options: [{ name: "size", values: ["7  |  wide", "8 | narrow"] }],
        attributes: ["DUMMY_ATTR"],
        category: "fashion",
        query: "women's shoes",
        productCategory: "Clothing › Shoes",
        mainImage: "",
      },
    );
  });

  it("keeps option names untrimmed, passes over null ones, and lets a later equal name win", () => {
    assert.deepEqual(cleanProduct(raw, []).options, [
      { name: "size", values: ["l"] },
      { name: " style", values: ["löve"] },
    ]);
    assert.deepEqual(cleanProduct({ ...raw, customization_options: "" }, []).options, []);
  });

  it("reads prices: none, one, a range, more than two, a minus that is dropped", () => {
    assert.deepEqual(priced(null), [100]);
    assert.deepEqual(priced(""), [100]);
    assert.deepEqual(priced("$8"), [8]);
    assert.deepEqual(priced("from $1,234.50"), [1234.5]);
    assert.deepEqual(priced("$3 - $2 - $9"), [3, 2]);
    assert.deepEqual(priced("$-5"), [5]);
    assert.equal(cleanProduct({ ...raw, pricing: null }, []).priceLabel, "$100.0");
  });

  it("refuses prices that cannot be read, in a sentence", () => {
    for (const pricing of ["free", "$", "$NaN", "$1.2.3", "$5 - $", `$${"9".repeat(400)}`]) {
      assert.throws(
        () => priced(pricing),
        (error) => error instanceof InputError && /B000000001.*price/.test(error.message),
      );
    }
  });

  it("refuses records of the wrong shape and names the field", () => {
    const message = (value: unknown): string => {
      try {
        asRawProduct(value);
      } catch (error) {
        assert(error instanceof InputError);
        return error.message;
      }
      return "accepted";
    };
    assert.match(message({ ...raw, name: 5 }), /B000000001.*"name"/);
    assert.match(
      message({ ...raw, customization_options: { size: [{ value: 1 }] } }),
      /customization_options/,
    );
    for (const value of [null, 3, "x", []]) assert.match(message(value), /A product has a wrong/);
    assert.equal(message({ ...raw, reviews: [], page: 3 }), "accepted");
  });

  it("drops by ASIN as WebShop does", () => {
    assert.deepEqual(["nan", "B0000000012", "B000000001", ""].map(isDroppedAsin), [true, true, false, false]);
  });

  it("indexes title, description, first bullet and options in lower case", () => {
    const product = cleanProduct(
      {
        ...raw,
        customization_options: { Size: [{ value: "S" }, { value: "M" }], Color: [{ value: "Red" }] },
      },
      [],
    );
    assert.equal(indexText(product), "blue shoe soft. first size: s, m, and color: red");
    assert.equal(indexText(product, true), "blue shoe soft. first second size: s, m, and color: red");
  });

  it("never fails but with a sentence, whatever a record holds", () => {
    fc.assert(
      fc.property(fc.anything({ maxDepth: 3 }), fc.string(), (value, pricing) => {
        try {
          const record = asRawProduct({ ...raw, pricing, customization_options: value });
          indexText(cleanProduct(record, undefined));
        } catch (error) {
          assert(error instanceof InputError);
        }
      }),
    );
  });

  it("draws one price per product, and leaves single prices alone", () => {
    const pricing = [[5], [3.78, 11.38], [100], [9, 2]];
    const prices = drawPrices(pricing, 7);
    const random = new PythonRandom(7);
    assert.deepEqual([...prices], [5, random.uniform(3.78, 11.38), 100, random.uniform(9, 2)]);
    assert.deepEqual([...drawPrices(pricing, 7)], [...prices]);
    assert.equal(drawPrices(Array.from({ length: 5000 }, () => [1, 2])).length, 5000);
  });

  it("reproduces the index text of all 100 real products, read either way", function () {
    const documents = realLines<RealDocument>(this, "documents_100.jsonl");
    assert.equal(documents.length, 100);
    for (const { id, contents, product } of documents) {
      const processed = fromProcessed(product);
      assert.equal(processed.asin, id);
      assert.equal(indexText(processed), contents);
      assert.equal(processed.priceLabel, product["Price"]);
      // The same record still holds the raw fields, except the price, whose label reads back.
      const label = String(product["Price"]).replace(" to ", " - ");
      const cleaned = cleanProduct(asRawProduct({ ...product, pricing: label }), processed.attributes);
      assert.deepEqual(cleaned, processed);
    }
  });
});
