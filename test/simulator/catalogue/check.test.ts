import assert from "node:assert/strict";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkFiles } from "../../../lib/simulator/catalogue/check.js";
import { FILES, type Manifest } from "../../../lib/simulator/catalogue/format.js";

describe("the check of a large catalogue's files", () => {
  const folder = mkdtempSync(join(tmpdir(), "aisle-check-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const products = join(folder, FILES.products);
  /** More than 64 MiB in all, most of them products. */
  const size = { products: 70 << 20, goals: 1000, tables: 1000, index: 1000 };
  let manifest: Manifest;

  before(() => {
    const files = Object.fromEntries(
      Object.entries(FILES).map(([name, file]) => {
        const bytes = Buffer.alloc(size[name as keyof typeof size], name);
        writeFileSync(join(folder, file), bytes);
        return [name, { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") }];
      }),
    );
    manifest = { files } as unknown as Manifest;
  });

  /** How much of the files was read. */
  function read(verify = false): number {
    const fractions: number[] = [0];
    checkFiles(folder, manifest, { verify, checking: (done) => fractions.push(done) });
    assert.equal(fractions.at(-1), 1);
    return fractions.length;
  }

  it("is made once and remembered by size and time, unless all is to be verified", () => {
    assert.ok(!existsSync(join(folder, "checked.json")));
    const first = read();
    const second = read();
    assert.equal(second, 5); // one step a file, and none within
    assert.ok(first > second + 10, `${first}`);
    assert.equal(read(true), first);
    assert.equal(read(), second);
  });

  it("is made again for what has changed, even where its time was set back", () => {
    read();
    const { atime, mtime } = statSync(products);
    const bytes = readFileSync(products);
    bytes[1000]! ^= 1;
    writeFileSync(products, bytes);
    utimesSync(products, atime, mtime);
    assert.throws(() => read(), /products\.jsonl is damaged or was altered/);
    bytes[1000]! ^= 1;
    writeFileSync(products, bytes);
    read();
    appendFileSync(join(folder, FILES.index), "x");
    assert.throws(() => read(), /index\.pack is damaged: it has 1001 bytes/);
    writeFileSync(join(folder, FILES.index), Buffer.alloc(1000, "index"));
    read();
  });

  it("does without a memory that cannot be read", () => {
    writeFileSync(join(folder, "checked.json"), "{");
    assert.ok(read() > 15);
  });
});
