import assert from "node:assert/strict";
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { makeShop, type TestShop } from "../../serve/shop.js";

const started: ChildProcessWithoutNullStreams[] = [];

describe("serve: processes, under pressure", function () {
  this.timeout(60_000);
  let shop: TestShop;
  before(async () => {
    shop = await makeShop();
  });
  after(() => shop.remove());
  afterEach(() => started.splice(0).forEach((child) => child.kill("SIGKILL"))); // does nothing to one that has ended

  it("end cleanly on a signal that comes with the word that they are ready", async function () {
    if (process.platform === "win32") this.skip();
    for (const [options, word] of [
      [["--stdio"], "ready"],
      [["--port", "0"], "listening"],
    ] as const) {
      const child = spawn(process.execPath, ["lib/aisle.mjs", "serve", ...options, "--data", shop.folder]);
      started.push(child);
      child.stderr.on("data", (chunk) => {
        if (String(chunk).includes(word)) child.kill("SIGTERM");
      });
      const [code, signal] = (await once(child, "close")) as [number | null, string | null];
      assert.deepEqual([code, signal], [143, null], word);
    }
  });

  it("answer on a small heap whatever sessions are asked to keep", async function () {
    this.timeout(120_000);
    const child = spawn(
      process.execPath,
      ["--max-old-space-size=128", "lib/aisle.mjs", "serve", "--stdio", "--data", shop.folder],
      { stdio: "pipe" },
    );
    started.push(child);
    const end = once(child, "close");
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const request = JSON.stringify({ op: "reset", goal: 0, instruction: "é".repeat(9000) });
    let refused = 0;
    for (let i = 0; i < 60; i++) {
      child.stdin.write(`${request}\n`.repeat(100));
      for (let k = 0; k < 100; k++) {
        const { error } = JSON.parse((await lines.next()).value as string) as { error?: string };
        if (error === undefined) continue;
        assert.match(error, /close some/);
        refused++;
      }
    }
    assert(refused > 1000, String(refused));
    child.stdin.end();
    assert.equal((await end)[0], 0);
  });
});
