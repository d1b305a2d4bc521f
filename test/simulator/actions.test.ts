import assert from "node:assert/strict";
import fc from "fast-check";
import { parseAction } from "../../lib/simulator/index.js";

const strict = (action: string): [string, string | null] => {
  const { name, argument } = parseAction(action, { strictActions: true });
  return [name, argument];
};
const lenient = (action: string): [string, string | null] => {
  const { name, argument } = parseAction(action, { strictActions: false });
  return [name, argument];
};

describe("simulator: actions", () => {
  it("are taken apart as WebShop does", () => {
    assert.deepEqual(strict("search[red Shoes]"), ["search", "red shoes"]);
    assert.deepEqual(strict("click[Buy Now]"), ["click", "buy now"]);
    assert.deepEqual(strict("search[a]b"), ["search", "a"]);
    assert.deepEqual(strict("search[abc [x]]"), ["search[abc ", "x]"]);
    assert.deepEqual(strict("Action: search[x]"), ["Action: search", "x"]);
    for (const none of ["search[]", "click[]", "search[x\ny]", "\nsearch[x]", "search", "[x]", ""]) {
      assert.deepEqual(strict(none), [none, null]);
    }
    assert.deepEqual(strict("Search[x]"), ["Search", "x"]);
  });

  it("agree with the regular expression for every text", () => {
    const character = fc.constantFrom("[", "]", "[", "]", "a", "é", " ", "\n", "\r", "\u2028");
    const text = fc.string({ unit: character, maxLength: 14 });
    fc.assert(
      fc.property(text, (action) => {
        const match = /^([^\n]+)\[([^\n]+)\]/.exec(action);
        assert.deepEqual(strict(action), match ? [match[1], match[2]!.toLowerCase()] : [action, null]);
      }),
      { numRuns: 3000 },
    );
  });

  it("are read generously once that quirk is mended", () => {
    assert.deepEqual(lenient(" Search [abc [X]] "), ["search", "abc [x]"]);
    assert.deepEqual(lenient("click[a\nb]"), ["click", "a\nb"]);
    assert.deepEqual(lenient("search[]"), ["search", ""]);
    assert.deepEqual(lenient("please search[x]"), ["please search[x]", null]);
  });

  it("take long hostile texts in their stride", () => {
    for (const part of ["[", "]", "[a]", "] ", "a[", " "]) {
      const action = `click[${part.repeat(1_000_000)}`;
      strict(action);
      lenient(action);
    }
  });
});
