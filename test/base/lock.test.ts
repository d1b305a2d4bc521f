import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { holdFolder, RunError } from "../../lib/base/index.js";

describe("base: locks", () => {
  const root = mkdtempSync(join(tmpdir(), "aisle-lock-"));
  after(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, "run");
  const lock = `${folder}.lock`;
  const files = (): string[] => readdirSync(root).filter((name) => name !== "own.json");
  const refused = (pattern: RegExp) => (error: unknown) => {
    assert(error instanceof RunError, String(error));
    assert.match(error.message, pattern);
    return true;
  };
  afterEach(() => rmSync(lock, { force: true }));
  const put = (holder: object | string): void =>
    writeFileSync(lock, typeof holder === "string" ? holder : JSON.stringify(holder));

  it("have one holder in a process too, and leave nothing when they are given back", async () => {
    const release = await holdFolder(folder, 100);
    await assert.rejects(
      holdFolder(folder, 100),
      refused(/Process \d+ is still at work in .*end it, or delete/),
    );
    const second = holdFolder(folder, 5000);
    setTimeout(release, 100);
    (await second)();
    assert.deepEqual(files(), []);
  });

  it("of a killed process hold nothing, whoever has its number now", async () => {
    const release = await holdFolder(folder);
    const own = JSON.parse(readFileSync(lock, "utf8")) as { started?: string; pid: number };
    release();
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    put({ ...own, pid: dead, id: "a" });
    (await holdFolder(folder, 100))();
    put({ host: hostname(), pid: dead }); // as older versions wrote it
    (await holdFolder(folder, 100))();
    put({ host: hostname(), pid: process.pid }); // left by an earlier process of a container
    (await holdFolder(folder, 100))();
    if (own.started !== undefined) {
      const [boot, space, ticks] = own.started.split(" ");
      put({ ...own, started: `${boot} ${space} ${Number(ticks) - 1}`, id: "b" });
      (await holdFolder(folder, 100))();
      put({ ...own, started: `00000000-${boot!.slice(9)} ${space} ${ticks}`, id: "c" });
      (await holdFolder(folder, 100))();
      put({ ...own, started: `${boot} pid:[1] ${ticks}`, id: "d" });
      await assert.rejects(
        holdFolder(folder, 100),
        refused(/another system of .*nobody here can see.*delete/),
      );
    }
    rmSync(lock, { force: true });
    assert.deepEqual(files(), []);
  });

  it("of another machine are never removed for their age without a word", async () => {
    put({ host: "elsewhere", pid: 7 });
    utimesSync(lock, new Date(0), new Date(0));
    await assert.rejects(
      holdFolder(folder, 200),
      refused(/Process 7 on elsewhere has .*nobody here can see whether it still works.*delete .*run\.lock/),
    );
    assert(existsSync(lock));
    // One that shows signs of life stays, however long it takes; one that does not is taken over with a word.
    const said: string[] = [];
    const beat = setInterval(() => utimesSync(lock, new Date(), new Date()), 40);
    const options = { patience: 500, takeSilent: 300, say: (sentence: string) => void said.push(sentence) };
    await assert.rejects(holdFolder(folder, options), refused(/elsewhere/));
    clearInterval(beat);
    assert.deepEqual(said, []);
    (await holdFolder(folder, options))();
    assert.match(
      said.join(),
      /run\.lock is taken over: Process 7 on elsewhere has given no sign of life for \d+ seconds/,
    );
  });

  it("that cannot be read are waited for, and then taken for what a crash left", async function () {
    this.timeout(10_000);
    put("{");
    await assert.rejects(holdFolder(folder, 100), refused(/cannot be read: delete it/));
    (await holdFolder(folder, 8000))();
    assert.deepEqual(files(), []);
  });

  it("are free after kill -9, and while a burial was cut off", async function () {
    this.timeout(30_000);
    const script = `import { holdFolder } from "./lib/base/lock.ts"; await holdFolder(${JSON.stringify(folder)}); console.log("held"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script]);
    await once(child.stdout, "data");
    await assert.rejects(holdFolder(folder, 100), /still at work/);
    const over = once(child, "close");
    child.kill("SIGKILL");
    await over;
    const release = await holdFolder(folder, 1000);
    release();
    // The lock of a dead process, and a claim to remove it by a process that has ended, too.
    const dead = spawnSync(process.execPath, ["-e", ""]).pid;
    const text = JSON.stringify({ host: hostname(), pid: dead, id: "x" });
    put(text);
    const { createHash } = await import("node:crypto");
    const key = createHash("sha256").update(text).digest("hex").slice(0, 16);
    writeFileSync(`${lock}.${key}.removal`, JSON.stringify({ host: hostname(), pid: dead, id: "y" }));
    (await holdFolder(folder, 1000))();
    assert.deepEqual(files(), []);
  });
});
