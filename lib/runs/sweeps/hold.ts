/** One process at a time in a run's folder: a worker that was given up for dead may still be finishing an iteration. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { codeOf, RunError } from "../../base/index.js";

interface Holder {
  readonly host: string;
  readonly pid: number;
}

/**
 * Takes a folder for this process; waits while a living process of this machine has it. A holder on another machine
 * cannot be asked whether it lives: there, the queue's patience is what keeps two apart.
 * @returns gives it back
 * @throws RunError when another process does not let go within the time
 */
export async function holdFolder(folder: string, patience = 120_000): Promise<() => void> {
  const lock = `${folder}.lock`;
  const me: Holder = { host: hostname(), pid: process.pid };
  const until = performance.now() + patience;
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, JSON.stringify(me), { flag: "wx" });
      return () => rmSync(lock, { force: true });
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    const holder = readHolder(lock);
    if (holder === null || holder.host !== me.host || holder.pid === me.pid || !lives(holder.pid)) {
      rmSync(lock, { force: true });
      continue;
    }
    if (performance.now() > until) {
      throw new RunError(`Process ${holder.pid} is still at work in ${folder}: end it, or delete ${lock}.`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function readHolder(lock: string): Holder | null {
  try {
    return existsSync(lock) ? (JSON.parse(readFileSync(lock, "utf8")) as Holder) : null;
  } catch {
    return null; // cut off while it was written: nobody who died there holds anything
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}
