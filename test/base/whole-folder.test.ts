import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { besideName, InputError, recoverIn, writeFolderWhole } from "../../lib/base/index.js";

describe("a folder that appears whole or not at all", () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), "aisle-whole-"))));
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const write = (path: string, text: string): void =>
    writeFolderWhole(path, "mark", (part) => writeFileSync(join(part, "mark"), text));
  const read = (path: string): string => readFileSync(join(path, "mark"), "utf8");
  /** A name beside, as a process that was killed had made it. */
  const ofTheDead = (path: string, role: "part" | "old"): string => {
    const { pid } = spawnSync(process.execPath, ["-e", ""]);
    return besideName(path, role).replace(`.${process.pid}.`, `.${pid}.`);
  };

  it("takes the place of another, and leaves nothing beside it", () => {
    const path = join(root, "a");
    write(path, "1");
    write(path, "2");
    assert.equal(read(path), "2");
    assert.deepEqual(readdirSync(root), ["a"]);
  });

  it("leaves the old one where the new one cannot be made, and says why", () => {
    const path = join(root, "a");
    write(path, "1");
    const none = join(root, "none", "x");
    assert.throws(() => writeFolderWhole(path, "mark", () => readFileSync(none)), {
      name: "RunError",
      message: `Could not write the folder ${path}: it does not exist.`,
    });
    const own = new InputError("In words.");
    assert.throws(
      () =>
        writeFolderWhole(path, "mark", () => {
          throw own;
        }),
      own,
    );
    assert.equal(read(path), "1");
    assert.deepEqual(readdirSync(root), ["a"]);
  });

  it("puts back what a killed process had moved away, removes what it left, and touches nobody else's", () => {
    const path = join(root, "a");
    write(path, "1");
    renameSync(path, ofTheDead(path, "old"));
    recoverIn(root, (folder) => existsSync(join(folder, "mark")));
    assert.equal(read(path), "1");
    assert.deepEqual(readdirSync(root), ["a"]);
    const mine = besideName(path);
    for (const part of [mine, ofTheDead(path, "part"), ofTheDead(join(root, "ab"), "part")]) mkdirSync(part);
    write(path, "2");
    assert.equal(read(path), "2");
    assert.deepEqual(
      readdirSync(root)
        .map((name) => name.split(".")[0])
        .sort(),
      ["a", "a", "ab"],
    );
    assert.ok(existsSync(mine), "a process that lives is still filling it");
  });

  it("ends what a killed process had begun, where the new one is whole", () => {
    const path = join(root, "a");
    write(path, "1");
    const old = ofTheDead(path, "old");
    const part = old.replace(/old$/, "part");
    renameSync(path, old);
    mkdirSync(part);
    writeFileSync(join(part, "mark"), "2");
    recoverIn(root, (folder) => existsSync(join(folder, "mark")));
    assert.equal(read(path), "2");
    assert.deepEqual(readdirSync(root), ["a"]);
  });
});
