import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { besideName, codeOf, RunError, whyNot, writeFileWhole } from "../base/index.js";

/**
 * Puts a folder in its place, whole or not at all: it is filled beside its place and renamed into it; what lay there is
 * removed afterwards.
 * @param mark a file that every finished folder of this kind has: when another process was faster, its folder stays
 * @throws RunError when the folder cannot be written; what lay there is then untouched
 */
export function writeFolderWhole(path: string, mark: string, fill: (part: string) => void): void {
  const part = besideName(path);
  const old = besideName(path);
  try {
    mkdirSync(part, { recursive: true });
    fill(part);
    if (existsSync(path)) renameSync(path, old); // a folder cannot be renamed onto another that holds files
    renameSync(part, path);
    discard(old);
  } catch (error) {
    discard(part);
    if (!existsSync(path) && existsSync(old)) renameSync(old, path);
    const taken = ["ENOTEMPTY", "EEXIST", "EPERM", "ENOENT"].includes(codeOf(error) ?? "");
    if (!(taken && existsSync(join(path, mark)))) {
      throw new RunError(`Could not write the run record ${path}: ${whyNot(error)}.`);
    }
  }
}

/** Removes what was half made; where that is not possible either, the first failure is the one to tell. */
function discard(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {
    // for instance on a disk that has become read-only
  }
}

/** Writes a file unless it says that already, so that an unchanged result keeps its time stamp. */
export function writeIfChanged(path: string, text: string | Uint8Array): boolean {
  const bytes = Buffer.from(text);
  if (existsSync(path) && readFileSync(path).equals(bytes)) return false;
  writeFileWhole(path, bytes);
  return true;
}
