import assert from "node:assert/strict";
import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const ROUNDS = 80;
const STARTERS = 3;

/** Takes the lock when told to, proves that nobody else has it, and gives it back; or kills itself at some moment. */
const STARTER = `
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
const [module, folder] = process.argv.slice(2);
let left = Infinity;
// Dies in the middle of whatever it does: at the n-th change of the file system.
for (const name of ["writeFileSync", "linkSync", "rmSync", "unlinkSync"]) {
  const real = fs[name];
  fs[name] = (...given) => {
    if (left-- <= 0) { process.kill(process.pid, "SIGKILL"); for (;;); }
    return real(...given);
  };
}
syncBuiltinESMExports();
const { holdFolder } = await import(module);
// A killed process whose parent has not heard of it yet has a number still, and does nothing any more.
const runs = (pid) => {
  try { process.kill(pid, 0); } catch { return false; }
  try { return !fs.readFileSync("/proc/" + pid + "/stat", "utf8").includes(") Z "); } catch { return process.platform !== "linux"; }
};
process.on("message", async ({ dies }) => {
  left = dies ?? Infinity;
  const release = await holdFolder(folder, 20_000);
  let alone = true;
  const mark = folder + ".inside";
  const enter = () => fs.writeFileSync(mark, String(process.pid), { flag: "wx" });
  try { enter(); } catch {
    // One that was killed inside left its mark.
    const pid = Number(fs.readFileSync(mark, "utf8") || NaN);
    if (runs(pid)) alone = false;
    else { fs.rmSync(mark); enter(); }
  }
  await new Promise((done) => setTimeout(done, 2));
  fs.rmSync(folder + ".inside", { force: true });
  release();
  process.send({ alone });
});
process.send("ready");
`;

describe("full: three starters on a stale lock", function () {
  this.timeout(600_000);
  const root = mkdtempSync(join(tmpdir(), "aisle-lock-full-"));
  const [folder, script] = [join(root, "run"), join(root, "starter.mjs")];
  const module = pathToFileURL(resolve(process.env["AISLE_LOCK_MODULE"] ?? "lib/base/lock.ts")).href;
  const starters: ChildProcess[] = [];
  const begin = async (): Promise<ChildProcess> => {
    const child = fork(script, [module, folder], { execArgv: ["--import", "tsx"] });
    await once(child, "message");
    return child;
  };
  before(async () => {
    writeFileSync(script, STARTER);
    for (let i = 0; i < STARTERS; i++) starters.push(await begin());
  });
  after(() => {
    for (const starter of starters) starter.kill("SIGKILL");
    rmSync(root, { recursive: true, force: true });
  });
  const dead = spawnSync(process.execPath, ["-e", ""]).pid;

  /** All start at once on the lock of a dead process; those that do not die say whether they were alone. */
  async function round(number: number, dies: (starter: number) => number | undefined): Promise<number> {
    writeFileSync(
      `${folder}.lock`,
      JSON.stringify({ host: hostname(), pid: dead, ...(number % 2 ? { id: String(number) } : {}) }),
    );
    let together = 0;
    await Promise.all(
      starters.map(async (starter, i) => {
        const said = await new Promise<{ alone: boolean } | null>((resolve) => {
          const ended = (message: unknown): void => {
            starter.off("message", ended).off("close", ended);
            resolve(typeof message === "object" ? (message as { alone: boolean } | null) : null);
          };
          starter.on("message", ended).on("close", ended);
          starter.send({ dies: dies(i) });
        });
        if (said !== null) together += said.alone ? 0 : 1;
        else starters[i] = await begin();
      }),
    );
    rmSync(`${folder}.inside`, { force: true });
    return together;
  }

  it(`has one holder in each of ${ROUNDS} rounds`, async () => {
    let two = 0;
    for (let k = 0; k < ROUNDS; k++) two += await round(k, () => undefined);
    assert.equal(two, 0, `${two} starters of ${ROUNDS} rounds were not alone`);
    assert.deepEqual(readdirSync(root), ["starter.mjs"]);
  });

  it(`has one holder in each of ${ROUNDS} rounds in which one is killed`, async () => {
    let two = 0;
    for (let k = 0; k < ROUNDS; k++) two += await round(k, (i) => (i === k % STARTERS ? k % 9 : undefined));
    assert.equal(two, 0, `${two} starters of ${ROUNDS} rounds were not alone`);
    assert.equal(await round(1, () => undefined), 0);
  });
});
