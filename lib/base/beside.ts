/**
 * What is written beside its place before it is put there. A file or folder being filled is called `NAME.PID.RANDOM.part`; the
 * folder that it replaces is moved to `NAME.PID.RANDOM.old` for the moment between two renames. A process that is killed leaves
 * either, and the next one to come removes them, or puts back what was moved away.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { isRunning } from "./running.js";

export type Role = "part" | "old";

/** A place beside another. */
interface Beside {
  readonly path: string;
  /** The name that it is beside. */
  readonly name: string;
  readonly pid: number;
  /** Which machine's process it is; "" in names of older versions, which are taken for this one's. */
  readonly host: string;
  readonly role: Role;
}

/** Eight hexadecimal digits for this machine: on a shared disk another one's processes cannot be asked whether they live. */
const HERE = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);
/** Between the two renames lie microseconds. */
const PATIENCE = 60_000;

/** A name beside `path` that no other process uses: same folder, so that a rename cannot cross disks. */
export function besideName(path: string, role: Role = "part"): string {
  return `${path}.${process.pid}.${HERE}${randomBytes(4).toString("hex")}.${role}`;
}

/**
 * Ends what a killed process began, where a folder was moved away and nothing stands in its place: the new one is put
 * there if it is complete, or else the old one is put back.
 * @param complete whether a folder is a whole one of its kind
 */
export function recover(path: string, complete: (folder: string) => boolean): void {
  if (existsSync(path)) return;
  const places = besides(path);
  for (const old of places) {
    if (old.role !== "old" || !isOver(old)) continue;
    const next = places.find(
      ({ role, pid, host, path: part }) =>
        role === "part" && pid === old.pid && host === old.host && complete(part),
    );
    // Another process may be doing the same: then there is nothing to rename any more.
    if (next !== undefined && moved(next.path, path)) {
      rmSync(old.path, { recursive: true, force: true });
      return;
    }
    if (moved(old.path, path)) return;
  }
}

/** {@link recover} of everything in a folder that was moved away. */
export function recoverIn(folder: string, complete: (folder: string) => boolean): void {
  for (const { name, role } of besidesIn(folder)) if (role === "old") recover(join(folder, name), complete);
}

/** Removes what killed processes left beside something that stands or is about to be made. */
export function removeAbandoned(path: string): void {
  for (const place of besides(path)) {
    if (isOver(place)) rmSync(place.path, { recursive: true, force: true });
  }
}

function besides(path: string): Beside[] {
  return besidesIn(dirname(path)).filter(({ name }) => name === basename(path));
}

function besidesIn(folder: string): Beside[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((entry) => {
    const match = /^(.+)\.(\d+)\.(?:([0-9a-f]{8}))?[0-9a-f]{8}\.(part|old)$/s.exec(entry);
    if (!match) return [];
    const [, name = "", pid, host = "", role] = match;
    return [{ path: join(folder, entry), name, pid: Number(pid), host, role: role as Role }];
  });
}

/** Whether the process that a place belongs to is gone. */
function isOver({ path, pid, host, role }: Beside): boolean {
  const here = host === "" || host === HERE;
  if (here && !isRunning(pid)) return true;
  let changed: number;
  let born: number;
  try {
    ({ ctimeMs: changed, birthtimeMs: born } = statSync(path));
  } catch {
    return false; // It is gone, or belongs to somebody else.
  }
  // This process has the number of one that was killed, as in a container that is started again.
  if (here && pid === process.pid && Math.max(born, changed) < Date.now() - process.uptime() * 1000 - 1000)
    return true;
  // No process is between two renames for so long; another machine may fill a folder for longer.
  return role === "old" && Date.now() - changed > PATIENCE;
}

function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}
