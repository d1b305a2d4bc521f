import assert from "node:assert/strict";
import { analyze } from "../../../lib/simulator/search/index.js";

/** What Lucene 9.12's chain (standard tokenizer, possessive, lower case, stop words, Porter) made of each text. */
const lucene: readonly (readonly [text: string, terms: string])[] = [
  ["The women's Running shoes 7.5 x-large\n foo_bar", "women|run|shoe|7.5|x|larg|foo_bar"],
  ["price lower than 1,029.99 dollars", "price|lower|than|1,029.99|dollar"],
  ["men’s WOMEN＇S dogs' o'neil's rock'n'roll", "men|women|dog|o'neil|rock'n'rol"],
  ["a:b c;d 1:2 3;4 5..6 x.y.z i.e. 3.5mm _x_ __ 1_000", "a:b|c|d|1|2|3;4|5|6|x.y.z|i.|3.5mm|_x_|1_000"],
  ["24v/100% $19.99 #5 4' 6\" 5ft.tall", "24v|100|19.99|5|4|6|5ft.tall"],
  ["café naïve Ærø straße İstanbul ΑΣ", "café|naïv|ærø|straße|istanbul|ασ"],
  ["東京タワー ひらがな 한국어 ภาษาไทย", "東|京|タワー|ひ|ら|が|な|한국어|ภาษาไทย"],
  ["👍🏽 👨‍👩‍👧 🇫🇷 1️⃣ ❤️ ★", "👍🏽|👨‍👩‍👧|🇫🇷|1️⃣|❤️|★"],
  ["ties skies dies ies eed sses relational hopping agreed", "ti|ski|di|i|eed|ss|relat|hop|agre"],
  ["e\u0301clair soft\u00adware zero\u200bwidth", "e\u0301clair|soft\u00adwar|zero|width"],
];

describe("search: analysis", () => {
  for (const [text, terms] of lucene) {
    it(`cuts ${JSON.stringify(text).slice(0, 50)} as Lucene does`, () => {
      assert.equal(analyze(text).join("|"), terms);
    });
  }

  it("cuts a word after 255 characters", () => {
    assert.deepEqual(
      analyze("x".repeat(600)).map((term) => term.length),
      [255, 255, 90],
    );
  });

  it("survives ten megabytes without a space, and lone surrogates", () => {
    assert.equal(analyze("ab".repeat(5_000_000)).length, Math.ceil(10_000_000 / 255));
    assert.deepEqual(analyze("shoe \ud800 \udc00red"), ["shoe", "red"]);
  });
});
