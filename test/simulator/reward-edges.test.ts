import assert from "node:assert/strict";
import fc from "fast-check";
import {
  combineReward,
  FIXED_QUIRKS,
  rewardFromParts,
  rewardOf,
  rewardRecord,
  typeReward,
} from "../../lib/simulator/index.js";
import { tinyGoal, tinyProduct } from "./tiny.js";

describe("simulator: the reward at its edges", () => {
  const product = tinyProduct({});
  const bought = (price: number, options: Record<string, string> = {}) => ({ product, price, options });

  it("pays for a price that is just the bound, and not for one above", () => {
    const goal = tinyGoal(product, { priceUpper: 40 });
    assert.equal(rewardOf(bought(40), goal).rPrice, 1);
    assert.equal(rewardOf(bought(40.01), goal).rPrice, 0);
  });

  it("takes the query or the categories for the kind, either alone", () => {
    for (const [query, category] of [
      [true, false],
      [false, true],
      [true, true],
    ] as const) {
      assert.equal(typeReward(query, category, 0.15), 1);
      assert.equal(typeReward(query, category, 0, FIXED_QUIRKS), 1);
    }
    assert.equal(typeReward(false, false, 0.15), 0.5);
    assert.equal(typeReward(false, false, 0.2), 0.5);
    assert.equal(typeReward(false, false, 0.21), 1);
    assert.equal(typeReward(true, true, 0.05), 0.1);
    assert.equal(typeReward(true, true, 0.1), 1);
    assert.equal(typeReward(true, true, 0), 0);
  });

  it("is made from its parts again to the bit, whatever was wanted", () => {
    const counts = fc
      .nat(6)
      .chain((wanted) => fc.record({ wanted: fc.constant(wanted), matched: fc.nat(wanted) }));
    const title = fc.constantFrom(0, 0.05, 0.15, 0.5, 1);
    fc.assert(
      fc.property(
        counts,
        counts,
        fc.boolean(),
        fc.boolean(),
        title,
        (attributes, options, priceOk, same, titleScore) => {
          const parts = combineReward({
            attributes,
            options,
            priceOk,
            queryMatch: same,
            categoryMatch: false,
            titleScore,
          });
          const wanted = { attributes: attributes.wanted, options: options.wanted };
          assert.equal(rewardFromParts(parts, wanted), parts.total);
          const { wanted: a, matched } = attributes;
          assert.equal(parts.rAtt, a === 0 ? 0 : matched / a);
          assert.equal(parts.wAtt + (parts.wOption ?? 0) + parts.wPrice > 1 - 1e-12, true);
          assert.deepEqual(
            [parts.rOption === null, parts.wOption === null],
            [options.wanted === 0, options.wanted === 0],
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it("has WebShop's names for every part", () => {
    const parts = combineReward({
      attributes: { matched: 1, wanted: 2 },
      options: { matched: 1, wanted: 1 },
      priceOk: true,
      queryMatch: true,
      categoryMatch: false,
      titleScore: 0.5,
    });
    assert.deepEqual(rewardRecord(parts), {
      total: 0.75,
      r_type: 1,
      r_att: 0.5,
      r_option: 1,
      r_price: 1,
      w_att: 0.5,
      w_option: 0.25,
      w_price: 0.25,
      query_match: true,
      category_match: false,
      title_score: 0.5,
    });
  });

  it("finds an attribute in a bullet point, and none across two", () => {
    const apart = tinyProduct({ attributes: [], bulletPoints: ["made of faux", "leather and wool"] });
    const goal = (wanted: string) => tinyGoal(apart, { attributes: [wanted] });
    const att = (wanted: string): number =>
      rewardOf({ product: apart, price: 20, options: {} }, goal(wanted)).rAtt;
    assert.equal(att("leather and"), 1);
    assert.equal(att("fauxleather"), 0);
  });

  it("compares options word for word where the quirk is mended", () => {
    const goal = tinyGoal(product, { options: ["dark blue"] });
    const option = (value: string): number | null =>
      rewardOf(bought(20, { colour: value }), goal, FIXED_QUIRKS).rOption;
    assert.equal(option("Dark-Blue"), 1);
    assert.equal(option("darkblue"), 0);
    assert.equal(option("!!"), 0);
    const signs = tinyGoal(product, { options: ["??"] });
    assert.equal(rewardOf(bought(20, { colour: "!!" }), signs, FIXED_QUIRKS).rOption, 0);
  });
});
