import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { besideName } from "./beside.js";
import { codeOf, InputError, messageOf, RunError } from "./errors.js";

/**
 * Writes a whole file or nothing: the bytes go beside it and are renamed into place.
 * @throws RunError when the disk is full or the folder cannot be written; the old file is then untouched.
 */
export function writeFileWhole(path: string, data: string | Uint8Array): void {
  const part = besideName(path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(part, data);
    renameSync(part, path);
  } catch (error) {
    removeQuietly(part);
    throw new RunError(`Could not write ${path}: ${whyNot(error)}; nothing was changed there.`);
  }
}

/** Removes a file that may not even have a place to be in: the reason why it was not written is told instead. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // e.g. ENOTDIR
  }
}

/** `writeFileWhole` of a value as JSON with a final newline. */
export function writeJson(path: string, value: unknown): void {
  writeFileWhole(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Writes a file unless it says that already, so that an unchanged result keeps its time stamp. */
export function writeIfChanged(path: string, text: string | Uint8Array): boolean {
  const bytes = Buffer.from(text);
  if (existsSync(path) && readFileSync(path).equals(bytes)) return false;
  writeFileWhole(path, bytes);
  return true;
}

/**
 * Reads a text file that the user named.
 * @throws InputError when it does not exist or cannot be read.
 */
export function readText(path: string, what = "file"): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new InputError(`Could not read the ${what} ${path}: ${whyNot(error)}.`);
  }
}

/**
 * Reads a JSON file that the user named.
 * @throws InputError when it does not exist, cannot be read or is not JSON.
 */
export function readJson(path: string, what = "file"): unknown {
  const text = readText(path, what);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(`The ${what} ${path} is not JSON: ${messageOf(error)}.`);
  }
}

/** A file system error in words. */
export function whyNot(error: unknown): string {
  const reasons: Record<string, string> = {
    ENOENT: "it does not exist",
    EACCES: "permission is denied",
    EPERM: "permission is denied",
    EROFS: "the disk is read-only",
    ENOSPC: "the disk is full",
    EISDIR: "it is a folder",
    ENOTDIR: "a part of its path is not a folder",
    EMFILE: "too many files are open",
  };
  return reasons[codeOf(error) ?? ""] ?? messageOf(error);
}
