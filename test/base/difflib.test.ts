import { strict as assert } from "node:assert";
import fc from "fast-check";
import { matchedLength } from "../../lib/base/index.js";

/** Ratcliff and Obershelp's characters in common as they are defined: the longest block, then left and right of it. */
function inCommon(a: string, b: string): number {
  let [at, bt, longest] = [0, 0, 0];
  for (let i = 0; i < a.length; i++)
    for (let j = 0; j < b.length; j++) {
      let length = 0;
      while (i + length < a.length && j + length < b.length && a[i + length] === b[j + length]) length++;
      if (length > longest) [at, bt, longest] = [i, j, length];
    }
  if (longest === 0) return 0;
  const left = inCommon(a.slice(0, at), b.slice(0, bt));
  return longest + left + inCommon(a.slice(at + longest), b.slice(bt + longest));
}
const text = (length: number, code: (i: number) => number): string =>
  Array.from({ length }, (_, i) => String.fromCharCode(code(i))).join("");

describe("difflib's matching blocks", () => {
  it("are those of the definition, in strings and in lists of characters", () => {
    const drawn = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 14 });
    fc.assert(
      fc.property(drawn, drawn, (a, b) => {
        assert.equal(matchedLength(a, b), inCommon(a, b));
        assert.equal(matchedLength([...a], [...b], { autojunk: true }), inCommon(a, b));
      }),
      { numRuns: 500 },
    );
  });

  // Worked out with Python: sum(m.size for m in difflib.SequenceMatcher(None, a, b, autojunk=…).get_matching_blocks())
  it("are Python's, with and without autojunk", () => {
    const of = (a: string, b: string): number[] =>
      [true, false].map((autojunk) => matchedLength(a, b, { autojunk }));
    const squares = (n: number): string => text(n, (i) => 97 + ((i * i) % 26));
    const cubes = (n: number): string => text(n, (i) => 97 + ((i * i * i) % 26));
    assert.deepEqual(of(squares(220), cubes(220)), [2, 51]);
    assert.deepEqual(of(squares(199), cubes(199)), [47, 47], "short texts have none");
    const sevens = `${text(220, (i) => 97 + ((i * 7) % 26))}0123`;
    const fives = `${text(220, (i) => 97 + ((i * 5) % 26))}uvwxyz0123`;
    assert.deepEqual(of(sevens, fives), [6, 21]);
    const rare = (shift: number): string =>
      text(300, (i) => 0x4e00 + ((i * 7 + shift * Math.floor(i / 20)) % 150));
    assert.deepEqual(of(rare(0), rare(3)), [40, 40], "no character is over 1 %");
  });
});
