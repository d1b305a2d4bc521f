import assert from "node:assert/strict";
import fc from "fast-check";
import { BoundedStream } from "../../lib/notebook/kernel/bounds.js";

describe("what a cell may print", () => {
  const all = (pieces: readonly string[]): string => {
    const stream = new BoundedStream();
    return pieces.map((piece) => stream.take(piece)).join("") + stream.finish();
  };

  it("is everything up to a million characters, in however many pieces", () => {
    const line = JSON.stringify(Array.from({ length: 9000 }, (_, i) => i));
    assert.equal(all([line, "\n", line]), `${line}\n${line}`);
    const pieces = Array.from({ length: 1024 }, () => "x".repeat(1024));
    assert.equal(all(pieces), pieces.join(""));
  });

  it("is the beginning and the end of more, with the number of characters left out", () => {
    for (const size of [1, 1000, 40_000_000]) {
      const text = all(["a".repeat(1 << 20), "b".repeat(size), "c".repeat(5000)]);
      assert.ok(text.startsWith(`${"a".repeat(1 << 20)}\n[This cell has printed 1,048,576 characters.`));
      assert.ok(text.endsWith("c".repeat(5000)));
      assert.ok(text.length < (1 << 20) + 11_000);
      const left = /\n\[([\d,]+) characters are left out here\.\]\n/.exec(text);
      const shown = 10_000;
      assert.equal(Number(left?.[1]!.replaceAll(",", "") ?? 0), Math.max(0, size + 5000 - shown));
    }
  });

  it("does not count what a progress line has written over", () => {
    const stream = new BoundedStream();
    for (let i = 0; i < 300_000; i++)
      assert.equal(stream.take(`\rstep ${i} of 300000`), `\rstep ${i} of 300000`);
    assert.equal(stream.finish(), "");
  });

  it("takes an endless print in linear time", () => {
    const stream = new BoundedStream();
    const began = performance.now();
    for (let i = 0; i < 3_000_000; i++) stream.take("line of text\n");
    const end = stream.finish();
    assert.ok(end.endsWith("line of text\n") && end.length < 11_000);
    assert.match(end, /^\[37,\d{3},\d{3} characters are left out here\.\]\nline of text\n/);
    assert.ok(performance.now() - began < 5000);
  });

  it("parts no character", () => {
    fc.assert(
      fc.property(fc.integer({ min: -3, max: 3 }), fc.string({ unit: "grapheme" }), (shift, tail) => {
        const text = all(["a".repeat((1 << 20) + shift), "😀".repeat(20_000), tail]);
        assert.ok(
          !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text.slice(1 << 19)),
        );
      }),
      { numRuns: 30 },
    );
  });
});
