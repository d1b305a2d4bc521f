/** Word lists of the embedded shop that somebody edited. */
import { strict as assert } from "node:assert";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import {
  asRawProduct,
  cleanProduct,
  type RecipeRecord,
  recipeProducts,
} from "../../../lib/simulator/index.js";
import { RECIPE_FOLDER } from "../../../lib/simulator/recipe/words.js";
import { changed, CHANGES, RUNS, takenOrRefused } from "../boundary.js";

describe("full: the recipe's word lists", function () {
  this.timeout(1_800_000);
  const folder = mkdtempSync(join(tmpdir(), "aisle-recipe-"));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it(`make products of words or are refused in a sentence, ${RUNS} times`, () => {
    cpSync(RECIPE_FOLDER, folder, { recursive: true });
    const files = readdirSync(folder);
    const contents = files.map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as unknown);
    let taken = 0;
    fc.assert(
      fc.property(fc.nat(files.length - 1), CHANGES, (which, changes) => {
        const file = join(folder, files[which]!);
        const content = changed(contents[which], changes);
        writeFileSync(file, JSON.stringify(content));
        const what = `${files[which]}: ${JSON.stringify(changes).slice(0, 2000)}`;
        const began = performance.now();
        let made: RecipeRecord[] | undefined;
        try {
          made = takenOrRefused(what, () => [...recipeProducts({ products: 3, folder })]);
        } finally {
          writeFileSync(file, JSON.stringify(contents[which])); // or the next change would be made to two files
        }
        assert.ok(performance.now() - began < 20_000, `${what} took ${performance.now() - began} ms`);
        if (!made) return;
        taken++;
        for (const { raw, attributes, instructions } of made) {
          const product = cleanProduct(asRawProduct(raw), attributes);
          assert.ok(
            product.pricing.every((price) => Number.isFinite(price) && price > 0),
            what,
          );
          const words = JSON.stringify([product, instructions]);
          assert.ok(!/\bundefined\b|\bNaN\b|\[object/.test(words), `${what}: ${words}`);
        }
      }),
      { numRuns: RUNS },
    );
    assert.ok(taken > RUNS / 100, `${taken} were taken`);
  });
});
