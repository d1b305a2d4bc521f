import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { InputError } from "../../../lib/base/index.js";
import { webShopSource } from "../../../lib/simulator/catalogue/index.js";
import { parseAsPython } from "../../../lib/simulator/catalogue/sources/python-json.js";

const RUNS = 10_000;

describe("full: importing whatever lies in the files", function () {
  this.timeout(600_000);
  const folder = mkdtempSync(join(tmpdir(), "aisle-import-full-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  it(`reads JSON as Python's json does, in ${RUNS} texts`, function () {
    const token = fc.constantFrom(
      ...'{ } [ ] , : NaN Infinity -Infinity -NaN - 0 -0 1.5 1e5 01 true null nul "" "a" "NaN" "\\" " \\ "\\u00e9" '.split(
        " ",
      ),
    );
    const odd = fc.oneof(
      fc.array(token, { maxLength: 8 }).map((tokens) => tokens.join(" ")),
      fc
        .json({ maxDepth: 3 })
        .chain((json) =>
          fc
            .tuple(fc.nat(json.length), fc.nat(2), token)
            .map(([at, cut, put]) => json.slice(0, at) + put + json.slice(at + cut)),
        ),
      fc
        .jsonValue({ maxDepth: 3 })
        .map((value) =>
          JSON.stringify(value, (_, inner: unknown) => (typeof inner === "number" ? "@" : inner)).replaceAll(
            '"@"',
            "NaN",
          ),
        ),
    );
    const texts = fc.sample(odd, { numRuns: RUNS, seed: 1 });
    const script =
      "import json,sys\nfor line in sys.stdin:\n try: json.loads(json.loads(line)); print(1)\n except ValueError: print(0)";
    const python = spawnSync("python3", ["-c", script], {
      input: texts.map((text) => `${JSON.stringify(text)}\n`).join(""),
      encoding: "utf8",
      maxBuffer: 1 << 28,
    });
    if (python.error) {
      process.stderr.write("      skipped: there is no python3 on this machine\n");
      this.skip();
    }
    assert.equal(python.status, 0, python.stderr);
    const theirs = python.stdout.trimEnd().split("\n");
    assert.equal(theirs.length, RUNS);
    let taken = 0;
    texts.forEach((text, i) => {
      let ours = "1";
      try {
        parseAsPython(text);
      } catch {
        ours = "0";
      }
      assert.equal(ours, theirs[i], JSON.stringify(text));
      taken += Number(ours);
    });
    assert.ok(taken > RUNS / 10 && taken < RUNS * 0.9, `${taken} of them are JSON`);
  });

  it(`takes or refuses ${RUNS} files, in a sentence, and goes on past bad rows alone`, async () => {
    const field = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom("", "x", "$5", "$1 - $2", null, [], {}, [null], 0, 5, false, true),
      },
      fc.jsonValue({ maxDepth: 2 }),
      fc.constant({ size: [{ value: "s" }], Fit: null }),
    );
    const names = ["name", "full_description", "small_description", "pricing", "customization_options"];
    const more = ["images", "category", "query", "product_category", "asin"];
    const whole = { asin: "A", name: "n", pricing: "$1.00", category: "garden", query: "q" };
    const row = fc
      .tuple(fc.dictionary(fc.constantFrom(...names, ...more), field, { maxKeys: 2 }), fc.nat(5))
      .map(([fields, number]) => ({ ...whole, asin: `A${number}`, ...fields }));
    const rows = fc.array(fc.oneof({ weight: 30, arbitrary: row }, field), { maxLength: 3 });
    const oddEntries = fc.dictionary(
      fc.constantFrom("A0", "A1", "A2", "__proto__"),
      fc.oneof(
        field,
        fc.record(
          { attributes: fc.oneof(fc.constant(["a"]), field), instruction: field },
          { requiredKeys: [] },
        ),
      ),
    );
    const entries = fc.oneof(fc.constant({ A0: { attributes: ["a"] } }), oddEntries);
    const put = fc.oneof(
      { weight: 6, arbitrary: fc.constant("") },
      fc.constantFrom("NaN", "{", "}", "]", ",", '"', "\\", "\n", "-Infinity"),
    );
    let taken = 0;
    let skipped = 0;
    await fc.assert(
      fc.asyncProperty(
        rows,
        entries,
        put,
        fc.double({ min: 0, max: 1, noNaN: true }),
        async (list, said, odd, where) => {
          const text = JSON.stringify(list);
          const at = Math.floor(where * text.length);
          const files = {
            products: file("rows.json", text.slice(0, at) + odd + text.slice(at)),
            attributes: file("ins.json", JSON.stringify(said)),
            goals: "synthetic" as const,
          };
          const read = async (skipBad?: (problem: InputError) => void): Promise<number | InputError> => {
            let count = 0;
            try {
              for await (const { product } of webShopSource({ ...files, skipBad }).records()) {
                assert.ok(product.pricing.length > 0 && product.pricing.every((price) => price >= 0));
                assert.equal(typeof product.title, "string");
                count++;
              }
              return count;
            } catch (error) {
              assert.ok(error instanceof InputError, String(error));
              assert.ok(error.message.length < 700, error.message);
              return error;
            }
          };
          const strictly = await read();
          let bad = 0;
          const leniently = await read(() => bad++);
          // Nothing bad: both are the same. Something bad: only the strict reading ends there.
          if (typeof strictly === "number") {
            assert.equal(bad, 0);
            assert.equal(leniently, strictly);
            taken++;
          } else if (typeof leniently === "number") {
            assert.ok(bad > 0);
            skipped++;
          }
        },
      ),
      { numRuns: RUNS },
    );
    assert.ok(taken > RUNS / 50 && skipped > RUNS / 20, `${taken} taken, ${skipped} with bad rows`);
  });
});
