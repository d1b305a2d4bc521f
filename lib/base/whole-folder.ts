/** Folders that appear whole or not at all. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { besideName, recover, removeAbandoned } from "./beside.js";
import { codeOf, InputError, RunError } from "./errors.js";
import { whyNot } from "./files.js";

/**
 * Puts a folder in its place, whole or not at all: it is filled beside its place and renamed into it; what lay there is
 * removed afterwards. What a process that was killed here left is put back first, or removed.
 * @param mark a file that every finished folder of this kind has: when another process was faster, its folder stays
 * @throws RunError when the folder cannot be written, and whatever `fill` throws in words; what lay there is then untouched
 */
export function writeFolderWhole(path: string, mark: string, fill: (part: string) => void): void {
  recover(path, (folder) => existsSync(join(folder, mark)));
  removeAbandoned(path);
  const part = besideName(path);
  const old = besideName(path, "old");
  try {
    mkdirSync(part, { recursive: true });
    fill(part);
  } catch (error) {
    discard(part);
    throw inWords(path, error);
  }
  try {
    if (existsSync(path)) renameSync(path, old); // a folder cannot be renamed onto another that holds files
    renameSync(part, path);
  } catch (error) {
    discard(part);
    if (!existsSync(path) && existsSync(old)) renameSync(old, path);
    const taken = ["ENOTEMPTY", "EEXIST", "EPERM", "ENOENT"].includes(codeOf(error) ?? "");
    if (!(taken && existsSync(join(path, mark)))) throw inWords(path, error);
  }
  discard(old);
}

function inWords(path: string, error: unknown): Error {
  if (error instanceof InputError || error instanceof RunError) return error;
  return new RunError(`Could not write the folder ${path}: ${whyNot(error)}.`);
}

/** Removes what is not needed; where that is not possible, the first failure is the one to tell. */
function discard(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // for instance on a disk that has become read-only
  }
}
