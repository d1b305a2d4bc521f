import { strict as assert } from "node:assert";
import { bestMatch, chooseOptions } from "../../lib/agents/options.js";

describe("choosing options without a model", () => {
  const groups = [
    { name: "color", values: ["blue", "navy blue", "red"] },
    { name: "size", values: ["large", "x-large", "7  |  wide"] },
    { name: "scent", values: ["rose", "mint"] },
  ];

  it("prefers the value whose words are all asked for, then the longer one", () => {
    assert.equal(bestMatch(groups[0]!.values, "a hat in navy blue, please"), "navy blue");
    assert.equal(bestMatch(groups[0]!.values, "a blue hat"), "blue");
    assert.equal(bestMatch(groups[1]!.values, "size x-large"), "x-large");
    assert.equal(bestMatch(groups[1]!.values, "a 7 wide"), "7  |  wide");
    assert.equal(bestMatch(groups[2]!.values, "a hat"), undefined);
  });

  it("clicks at most one value a group, by its mode", () => {
    const instruction = "a red hat, large";
    assert.deepEqual(chooseOptions(groups, instruction, "match"), ["red", "large"]);
    assert.deepEqual(chooseOptions(groups, instruction, "first"), ["blue", "large", "rose"]);
    assert.deepEqual(chooseOptions(groups, instruction, "none"), []);
    assert.deepEqual(chooseOptions(groups, instruction, "all-lists"), []);
  });
});
