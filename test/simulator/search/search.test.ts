import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { InputError, stream } from "../../../lib/base/index.js";
import { decodeLength, encodeLength } from "../../../lib/simulator/search/bm25.js";
import { analyze, IndexBuilder, readPack, Searcher, writePack } from "../../../lib/simulator/search/index.js";

const folder = mkdtempSync(join(tmpdir(), "aisle-search-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Builds an index on disk and opens it. */
function index(texts: readonly string[], order?: Uint32Array, rank?: Uint32Array): Searcher {
  const builder = new IndexBuilder(join(folder, "forward"));
  for (const text of texts) builder.add(text);
  const identity = Uint32Array.from(texts, (_, i) => i);
  writePack(join(folder, "index.pack"), builder.finish(order ?? identity, rank ?? identity));
  return new Searcher(readPack(join(folder, "index.pack")));
}

/** BM25 from its formula, in doubles but for the rounded length. */
function formula(texts: readonly string[], query: string): number[] {
  const documents = texts.map(analyze);
  const filled = documents.filter((terms) => terms.length > 0);
  const average = filled.reduce((sum, terms) => sum + terms.length, 0) / filled.length;
  return documents.map((terms) =>
    analyze(query).reduce((score, term) => {
      const tf = terms.filter((t) => t === term).length;
      const df = filled.filter((other) => other.includes(term)).length;
      const idf = Math.log(1 + (filled.length - df + 0.5) / (df + 0.5));
      const dl = decodeLength(encodeLength(terms.length));
      return score + (tf === 0 ? 0 : (idf * tf) / (tf + 0.9 * (1 - 0.4 + (0.4 * dl) / average)));
    }, 0),
  );
}

/** Texts whose words are distributed as in a real corpus: a few everywhere, most rare. */
function corpus(seed: number, count: number, words: number, longest: number): string[] {
  const random = stream(seed, "corpus");
  return Array.from({ length: count }, () =>
    Array.from(
      { length: random.below(longest) },
      () => `w${Math.floor(words ** random.next()) + random.below(3)}`,
    ).join(" "),
  );
}

describe("search: ranking", () => {
  it("rounds lengths to a byte as Lucene's SmallFloat does", () => {
    const lengths = [0, 1, 24, 39, 40, 41, 42, 43, 56, 57, 100, 1000, 1_000_000, 2_147_483_647];
    const rounded = [0, 1, 24, 39, 40, 40, 42, 42, 56, 56, 96, 984, 983_064, 2_013_265_944];
    assert.deepEqual(
      lengths.map((length) => decodeLength(encodeLength(length))),
      rounded,
    );
  });

  it("agrees with the formula on a corpus of several blocks", () => {
    const texts = corpus(1, 700, 200, 60);
    const searcher = index(texts);
    for (const query of ["w1 w2 w3", "w150", "w2 w2 w2 w40 w90", "nothing here w7"]) {
      const expected = formula(texts, query);
      const found = searcher.search(query, 700);
      assert.equal(found.length, expected.filter((score) => score > 0).length);
      for (const { document, score } of found) {
        assert.ok(Math.abs(score - expected[document]!) < 1e-5 * score, `${score} ${expected[document]}`);
      }
    }
  });

  it("prunes nothing that belongs in the top k", () => {
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.nat(),
          count: fc.integer({ min: 1, max: 1500 }),
          words: fc.integer({ min: 2, max: 300 }),
          longest: fc.integer({ min: 2, max: 120 }),
          limit: fc.integer({ min: 1, max: 60 }),
          query: fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 25 }),
        }),
        ({ seed, count, words, longest, limit, query }) => {
          const texts = corpus(seed, count, words, longest);
          const random = stream(seed, "order");
          const identity = Array.from(texts, (_, i) => i);
          const searcher = index(
            texts,
            Uint32Array.from(random.shuffle(identity)),
            Uint32Array.from(random.shuffle(identity)),
          );
          const text = query.map((word) => `w${word}`).join(" ");
          assert.deepEqual(searcher.search(text, limit), searcher.searchExhaustively(text, limit));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("prunes nothing where most blocks are passed over", () => {
    // Neighbours share words, as products of one kind do: 100 blocks, of which few can matter.
    const random = stream(5, "kinds");
    const texts = corpus(5, 25_600, 400, 14).map((text, i) => `${text} kind${i >> 7} kin${i >> 9}`);
    const rank = Uint32Array.from(random.shuffle(Array.from(texts, (_, i) => i)));
    const searcher = index(texts, undefined, rank);
    for (let n = 0; n < 150; n++) {
      const words = Array.from(
        { length: 1 + random.below(16) },
        () => `w${Math.floor(400 ** random.next())}`,
      );
      if (n % 3 > 0) words.push(`kind${random.below(200)}`, `kin${random.below(50)}`);
      const query = words.join(" ");
      const limit = 1 + random.below(60);
      assert.deepEqual(searcher.search(query, limit), searcher.searchExhaustively(query, limit), query);
    }
  });

  it("scores what has no code of its own: hundreds of pairs of frequency and length", () => {
    const random = stream(3, "pairs");
    const texts = Array.from(
      { length: 500 },
      () => "a1 ".repeat(random.below(300)) + "b1 ".repeat(random.below(400)),
    );
    const searcher = index(texts);
    const found = searcher.search("a1 b1", 500);
    const expected = formula(texts, "a1 b1");
    assert.ok(found.every(({ document, score }) => Math.abs(score - expected[document]!) < 1e-5 * score));
    assert.deepEqual(searcher.search("a1", 50), searcher.searchExhaustively("a1", 50));
  });

  it("breaks ties by rank and takes queries of any length", () => {
    const texts = Array.from({ length: 600 }, () => "red shoe");
    const rank = Uint32Array.from(texts, (_, i) => texts.length - 1 - i);
    const searcher = index(texts, undefined, rank);
    assert.deepEqual(
      searcher.search("red", 3).map(({ document }) => document),
      [599, 598, 597],
    );
    const long = Array.from({ length: 2000 }, (_, i) => `red${i}`).join(" ");
    assert.equal(searcher.search(`${long} red`, 3).length, 3);
    assert.deepEqual(searcher.search("the of and", 3), []);
    assert.deepEqual(searcher.search("", 3), []);
    assert.deepEqual(searcher.search("red", 0), []);
    assert.deepEqual(index([]).search("red", 3), []);
    assert.deepEqual(index(["", "the"]).search("red", 3), []);
  });

  it("refuses a pack that is cut off or foreign", () => {
    const path = join(folder, "bad.pack");
    writePack(path, { numbers: new Uint32Array(1000) });
    truncateSync(path, 3000);
    assert.throws(
      () => readPack(path),
      (error) => error instanceof InputError && /cut off/.test(error.message),
    );
    writeFileSync(path, "PK\u0003\u0004 something else entirely, longer than a header");
    assert.throws(
      () => readPack(path),
      (error) => error instanceof InputError && /not a file/.test(error.message),
    );
    assert.throws(() => readPack(join(folder, "absent")), /does not exist/);
  });
});
