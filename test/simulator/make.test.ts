import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  buildCatalogue,
  ensureShop,
  readManifest,
  recipeSource,
} from "../../lib/simulator/catalogue/index.js";
import { aisle as command, type Run } from "../cli/run.js";

const aisle = (...args: string[]): Promise<Run> => command(args);

const json = ({ code, stdout, stderr }: Run): Record<string, unknown> => {
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as Record<string, unknown>;
};

describe("aisle data make", function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "aisle-make-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const make = (out: string, ...more: string[]): Promise<Run> =>
    aisle("data", "make", "--products", "300", "--out", join(folder, out), "--json", ...more);

  it("makes the same bytes twice, says what it holds, and replaces no other shop unless told to", async () => {
    const [one, two] = (await Promise.all([make("one"), make("two")])).map(json);
    assert.equal(one!["fingerprint"], two!["fingerprint"]);
    assert.equal(one!["products"], 300);
    assert.equal(one!["made"], true);
    assert.ok(Number(one!["goals"]) > 80);
    for (const file of ["products.jsonl", "goals.jsonl", "index.pack"]) {
      assert.deepEqual(readFileSync(join(folder, "one", file)), readFileSync(join(folder, "two", file)));
    }
    assert.equal(json(await make("one"))["made"], false);
    const clash = await make("one", "--seed", "2");
    assert.equal(clash.code, 2);
    assert.match(clash.stderr, /holds another shop .*--force/);
    const other = json(await make("one", "--seed", "2", "--force"));
    assert.notEqual(other["fingerprint"], one!["fingerprint"]);
  });

  it("refuses a wrong number in one sentence", async () => {
    const wrong = [
      ["--products", "many"],
      ["--products", "1181437"],
      ["--goals", "some"],
    ];
    for (const { code, stdout, stderr } of await Promise.all(
      wrong.map((args) => aisle("data", "make", ...args)),
    )) {
      assert.equal(code, 2);
      assert.equal(stdout, "");
      assert.match(stderr.trim(), /^aisle: [^\n]+\.$/);
    }
  });

  it("ends with one shop when two make it at once, and makes an outdated one anew", async () => {
    const shop = join(folder, "shop");
    const outdated = await buildCatalogue(recipeSource({ products: 20 }), shop);
    const [one, two] = await Promise.all([ensureShop(shop), ensureShop(shop)]);
    assert.equal(one.products, 10_000);
    assert.notEqual(one.source, outdated.source);
    assert.equal(one.fingerprint, two.fingerprint);
    assert.deepEqual(readManifest(shop), one);
    assert.deepEqual(readdirSync(folder), ["shop"]);
  });
});
