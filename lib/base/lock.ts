/**
 * One holder of a lock, always: a file that is created whole or not at all. `proper-lockfile`, the usual package, removes a
 * stale lock by its name, and so can remove the one that another process has just created in its place; here a stale
 * lock may be removed by one process alone, the one that could create a second file named after its content.
 */
import { createHash, randomBytes } from "node:crypto";
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, RunError } from "./errors.js";
import { whyNot } from "./files.js";
import { isRunning } from "./running.js";

export interface LockOptions {
  /** Milliseconds to wait for a running holder. Default 120000. */
  readonly patience?: number;
  /**
   * Milliseconds without a sign of life after which a lock of another machine is taken over, which `say` tells. By default
   * it never is: whether its holder runs cannot be seen from here, and a person has to remove the file.
   */
  readonly takeSilent?: number;
  /** Told, in a sentence, what a person should know. Default: a line on stderr. */
  readonly say?: (sentence: string) => void;
}

/** Who holds a lock. Older locks have neither `started` nor `id`. */
interface Holder {
  readonly host: string;
  readonly pid: number;
  /** Tells this process from another one that had or will have its number, where the system can say so. */
  readonly started?: string;
  readonly id?: string;
}

/** A lock file as it was seen. */
interface Seen {
  /** Differs for every lock that ever was. */
  readonly key: string;
  /** Null where the file cannot be read. */
  readonly holder: Holder | null;
  readonly touched: number;
}

/** Milliseconds between two heartbeats of a holder. */
const HEARTBEAT = 5_000;
/** Milliseconds after which a file that cannot be read was not just being written. */
const UNREADABLE = 2_000;
const PAUSE = 50;

/**
 * Takes a folder for this process; waits while a running process has it. A holder on this machine that was killed
 * holds nothing, whatever process has its number now.
 * @returns gives it back
 * @throws RunError when the holder does not let go within the time, or the lock cannot be written
 */
export async function holdFolder(folder: string, options: LockOptions | number = {}): Promise<() => void> {
  const given: LockOptions = typeof options === "number" ? { patience: options } : options;
  const { patience = 120_000, takeSilent = Infinity, say = onStderr } = given;
  const lock = `${folder}.lock`;
  const mine = contentOf(me());
  const until = performance.now() + patience;
  /** The last heartbeat that was seen, and since when there was no other. */
  let silent = { sign: "", since: 0 };
  mkdirSync(dirname(lock), { recursive: true });
  while (!create(lock, mine)) {
    const seen = look(lock);
    if (seen === null) continue;
    const state = stateOf(seen.holder);
    if (state === "ended") {
      removeStale(lock, seen);
      continue;
    }
    const now = performance.now();
    const sign = `${seen.key} ${seen.touched}`;
    if (silent.sign !== sign) silent = { sign, since: now };
    const silence = now - silent.since;
    if (state === "unknown" && silence > (seen.holder === null ? UNREADABLE : takeSilent)) {
      if (seen.holder) {
        const seconds = Math.round(silence / 1000);
        say(
          `${lock} is taken over: ${nameOf(seen.holder)} has given no sign of life for ${seconds} seconds.`,
        );
      }
      removeStale(lock, seen);
      continue;
    }
    const waits = state === "unknown" && takeSilent < Infinity && silence > 2 * HEARTBEAT;
    if (now > until && !waits) throw new RunError(heldBy(seen.holder, state, folder, lock));
    await sleep(PAUSE);
  }
  clearUp(lock);
  const beat = setInterval(() => touch(lock), HEARTBEAT);
  beat.unref();
  return () => {
    clearInterval(beat);
    if (look(lock)?.key === keyOf(mine)) rmSync(lock, { force: true });
  };
}

function onStderr(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

function heldBy(holder: Holder | null, state: "running" | "unknown", folder: string, lock: string): string {
  if (holder === null) return `${lock} cannot be read: delete it if nothing is at work in ${folder}.`;
  if (state === "running")
    return `Process ${holder.pid} is still at work in ${folder}: end it, or delete ${lock}.`;
  return (
    `${nameOf(holder)} has ${folder}, and nobody here can see whether it still works: ` +
    `if it does not, delete ${lock}.`
  );
}

function nameOf({ host, pid }: Holder): string {
  return `Process ${pid} on ${host === hostname() ? `another system of ${host}` : host}`;
}

/** Creates a file whole, if there is none of its name. */
function create(path: string, content: string): boolean {
  const whole = `${path}.${process.pid}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    writeFileSync(whole, content, { flag: "wx" });
    try {
      linkSync(whole, path);
    } catch (error) {
      if (codeOf(error) === "EEXIST") return false;
      // A file system without hard links: readers may see the file before its content.
      writeFileSync(path, content, { flag: "wx" });
    }
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw new RunError(`Could not write ${path}: ${whyNot(error)}.`);
  } finally {
    rmSync(whole, { force: true });
  }
}

/**
 * Removes a lock whose holder has ended. Only the process that creates the claim, a file named after this very lock, may remove
 * it; so at that path there is this lock or none.
 */
function removeStale(lock: string, seen: Seen): void {
  const claim = `${lock}.${seen.key}.removal`;
  if (!create(claim, contentOf(me()))) {
    const claimant = look(claim);
    if (claimant && stateOf(claimant.holder) === "ended") removeStale(claim, claimant);
    return;
  }
  try {
    if (look(lock)?.key === seen.key) rmSync(lock, { force: true });
  } finally {
    rmSync(claim, { force: true });
  }
}

function look(path: string): Seen | null {
  try {
    const { ino, mtimeMs } = statSync(path);
    const text = readFileSync(path, "utf8");
    const holder = parse(text);
    // Locks of older versions say no more than their process: another one with the same words is another lock.
    const key = holder?.id === undefined ? keyOf(`${text} ${ino} ${mtimeMs}`) : keyOf(text);
    return { key, holder, touched: mtimeMs };
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw new RunError(`Could not read ${path}: ${whyNot(error)}.`);
  }
}

function parse(text: string): Holder | null {
  try {
    const { host, pid, started, id } = JSON.parse(text) as Partial<Record<keyof Holder, unknown>>;
    if (typeof host !== "string" || typeof pid !== "number") return null;
    return {
      host,
      pid,
      ...(typeof started === "string" ? { started } : {}),
      ...(typeof id === "string" ? { id } : {}),
    };
  } catch {
    return null;
  }
}

/** Whether a holder still runs; unknown for those on another system. */
function stateOf(holder: Holder | null): "running" | "ended" | "unknown" {
  if (holder === null || holder.host !== hostname()) return "unknown";
  const own = startedAt(process.pid);
  if (holder.started === undefined || own === null) {
    // An older lock with this process's number was left by one that had it before, as in a container.
    return (holder.id === undefined && holder.pid === process.pid) || !isRunning(holder.pid)
      ? "ended"
      : "running";
  }
  const [boot, space, ticks] = holder.started.split(" ");
  const [ownBoot, ownSpace] = own.split(" ");
  if (boot !== ownBoot) return "ended"; // the machine was started again
  if (space !== ownSpace) return "unknown"; // another container: its numbers are not ours
  return startedAt(holder.pid)?.split(" ")[2] === ticks ? "running" : "ended";
}

/** Boot, space of process numbers, and moment since the boot at which a process began; null where the system does not say. */
function startedAt(pid: number): string | null {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const space = readlinkSync("/proc/self/ns/pid");
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name of the program, in brackets, may hold spaces. State and start are fields 3 and 22.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? null : `${boot} ${space} ${fields[19]}`;
  } catch {
    return null;
  }
}

function me(): Holder {
  const started = startedAt(process.pid);
  return {
    host: hostname(),
    pid: process.pid,
    ...(started === null ? {} : { started }),
    id: randomBytes(12).toString("hex"),
  };
}

function contentOf(holder: Holder): string {
  return JSON.stringify(holder);
}

function keyOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

function touch(lock: string): void {
  try {
    const now = new Date();
    utimesSync(lock, now, now);
  } catch {
    // It was removed by hand.
  }
}

/** Removes what processes left that were killed while they tried for this lock; called by its holder. */
function clearUp(lock: string): void {
  const folder = dirname(lock);
  for (const name of readdirSync(folder)) {
    if (!name.startsWith(`${basename(lock)}.`)) continue;
    const path = join(folder, name);
    const unfinished = /\.(\d+)\.[0-9a-f]{12}\.tmp$/.exec(name);
    if (unfinished && !isRunning(Number(unfinished[1])) && ageOf(path) > 60_000)
      rmSync(path, { force: true });
    if (!name.endsWith(".removal")) continue;
    const claimant = look(path);
    if (claimant && stateOf(claimant.holder) === "ended") removeStale(path, claimant);
  }
}

function ageOf(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}
