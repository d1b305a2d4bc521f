import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError, stream } from "../../../lib/base/index.js";
import {
  buildCatalogue,
  openCatalogue,
  openEnvironment,
  recipeSource,
} from "../../../lib/simulator/index.js";

/** Bits flipped in each file, one at a time. */
const FLIPS = 200;

describe("full: one bit flipped in a file of a shop", function () {
  this.timeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), "aisle-flips-"));
  const [shop, copy] = [join(folder, "shop"), join(folder, "copy")];
  after(() => rmSync(folder, { recursive: true, force: true }));
  before(async () => {
    await buildCatalogue(recipeSource({ products: 400 }), shop);
    cpSync(shop, copy, { recursive: true });
  });

  /** All that a shop can change about a number: its size and names, every product, price and goal, searches and a purchase. */
  function everything(path: string): string {
    const catalogue = openCatalogue(path);
    try {
      const { size, goalCount, fingerprint } = catalogue;
      const all = (count: number, of: (index: number) => unknown): unknown[] =>
        Array.from({ length: count }, (_, index) => of(index));
      const environment = openEnvironment(catalogue);
      let state = environment.reset({ goal: 1 });
      for (const action of [`search[${catalogue.goal(1).query}]`, null, "click[buy now]"]) {
        state = environment.step(state, action ?? `click[${environment.actions(state).click[2]}]`).state;
      }
      return JSON.stringify([
        [size, goalCount, fingerprint, state],
        all(size, (index) => [catalogue.product(index), catalogue.price(index)]),
        all(goalCount, (index) => [
          catalogue.goal(index),
          catalogue.search(catalogue.goal(index).instruction, 10),
        ]),
      ]);
    } finally {
      catalogue.close();
    }
  }

  it("is refused or without any effect, never another number", () => {
    const right = everything(shop);
    const random = stream(0, "flips");
    const refusals: Record<string, number> = {};
    for (const file of readdirSync(shop)) {
      const whole = readFileSync(join(shop, file));
      for (let k = 0; k < FLIPS; k++) {
        const bytes = Buffer.from(whole);
        const [at, bit] = [random.below(bytes.length), random.below(8)];
        bytes[at]! ^= 1 << bit;
        writeFileSync(join(copy, file), bytes);
        try {
          assert.equal(everything(copy), right, `bit ${bit} of byte ${at} of ${file}`);
        } catch (error) {
          assert.ok(error instanceof InputError, `bit ${bit} of byte ${at} of ${file}: ${String(error)}`);
          assert.match(error.message, /build .*again|make|is not JSON/i);
          assert.ok(error.message.includes(copy), error.message);
          refusals[file] = (refusals[file] ?? 0) + 1;
        }
      }
      writeFileSync(join(copy, file), whole);
    }
    assert.equal(everything(copy), right);
    for (const file of ["products.jsonl", "goals.jsonl", "tables.pack", "index.pack"]) {
      assert.equal(refusals[file], FLIPS, file);
    }
    assert.ok(refusals["manifest.json"]! > FLIPS / 2);
  });
});
