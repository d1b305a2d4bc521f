import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  buildCatalogue,
  ensureShop,
  readManifest,
  recipeSource,
} from "../../lib/simulator/catalogue/index.js";

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function aisle(...args: string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["lib/aisle.mjs", ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

const json = ({ code, out, err }: Ran): Record<string, unknown> => {
  assert.equal(code, 0, err);
  return JSON.parse(out) as Record<string, unknown>;
};

describe("aisle data make", function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "aisle-make-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const make = (out: string, ...more: string[]): Promise<Ran> =>
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
    assert.match(clash.err, /holds another shop .*--force/);
    const other = json(await make("one", "--seed", "2", "--force"));
    assert.notEqual(other["fingerprint"], one!["fingerprint"]);
  });

  it("refuses a wrong number in one sentence", async () => {
    const wrong = [
      ["--products", "many"],
      ["--products", "1181437"],
      ["--goals", "some"],
    ];
    for (const { code, err, out } of await Promise.all(wrong.map((args) => aisle("data", "make", ...args)))) {
      assert.equal(code, 2);
      assert.equal(out, "");
      assert.match(err.trim(), /^aisle: [^\n]+\.$/);
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
