import { strict as assert } from "node:assert";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

describe("aisle verify", function () {
  this.timeout(120_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-verify-"));
  after(() => rmSync(root, { recursive: true, force: true }));
  const aisle = (...args: readonly string[]) =>
    spawnSync(process.execPath, ["lib/aisle.mjs", ...args], { encoding: "utf8" });

  it("says of every shop, record and model in a folder whether it is whole, and names what is not", () => {
    const made = aisle("data", "make", "--products", "200", "--out", join(root, "shop"));
    assert.equal(made.status, 0, made.stderr);
    const record = readdirSync("data/runs").find((name) => name.startsWith("rule-test-"))!;
    cpSync(join("data/runs", record), join(root, "records", record), { recursive: true });
    cpSync("data/models/il", join(root, "models", "il"), { recursive: true });
    const whole = aisle("verify", root);
    assert.equal(whole.status, 0, whole.stderr);
    assert.deepEqual(
      whole.stdout
        .trim()
        .split("\n")
        .map((line) => line.split(/ +/).slice(0, 2)),
      [
        ["ok", "model"],
        ["ok", "record"],
        ["ok", "shop"],
      ],
    );

    flip(
      join(
        root,
        "shop",
        readdirSync(join(root, "shop")).find((name) => name.startsWith("products"))!,
      ),
    );
    flip(join(root, "records", record, "record.json"));
    const { status, stdout, stderr } = aisle("verify", root, "--json");
    assert.equal(status, 1);
    const { verified } = JSON.parse(stdout) as { verified: { kind: string; whole: boolean; line: string }[] };
    assert.deepEqual(
      verified.map(({ kind, whole: is }) => [kind, is]),
      [
        ["model", true],
        ["record", false],
        ["shop", false],
      ],
    );
    assert.match(stderr, /2 of 3 are damaged: .*records.*, .*shop/);
  });

  it("refuses a folder that is not there, and one in which there is nothing", () => {
    const none = aisle("verify", join(root, "nowhere"));
    assert.deepEqual([none.status, /There is no folder/.test(none.stderr)], [2, true]);
    mkdirSync(join(root, "empty"));
    const empty = aisle("verify", join(root, "empty"));
    assert.deepEqual([empty.status, /no shop, record, run or model/.test(empty.stderr)], [2, true]);
  });
});

/** Turns one bit in the middle of a file. */
function flip(path: string): void {
  const bytes = readFileSync(path);
  const at = bytes.length >> 1;
  bytes[at] = bytes[at]! ^ 1;
  writeFileSync(path, bytes);
}
