/** Seals: a JSON file that says by a checksum whether it still is what was written. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "./errors.js";
import { readJson, writeJson } from "./files.js";

/**
 * JSON with the keys of every object in code point order and no white space: equal values give equal text, whatever
 * the order in which they were built. `undefined` members are left out, as JSON does.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
    return `{${members.join(",")}}`;
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new RangeError(`A record cannot hold ${value}.`);
  }
  return JSON.stringify(value) ?? "null";
}

/** SHA-256 in hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** Writes an object as JSON with a `seal`, the SHA-256 over its canonical form, whole or not at all. */
export function writeSealed(path: string, value: object): void {
  writeJson(path, { ...value, seal: sha256(canonicalJson(value)) });
}

/**
 * Reads what {@link writeSealed} wrote, without its seal.
 * @throws InputError when it is no such file, or was changed since
 */
export function readSealed(path: string, what: string): Record<string, unknown> {
  const value = readJson(path, what);
  if (typeof value !== "object" || value === null || Array.isArray(value) || !("seal" in value)) {
    throw new InputError(`${path} is not the ${what} of this version: it has no seal. Begin again.`);
  }
  const { seal, ...rest } = value;
  if (sha256(canonicalJson(rest)) !== seal) {
    throw new InputError(
      `${path} was changed since it was written: its seal does not hold. Restore it, or begin again.`,
    );
  }
  return rest;
}

/** The SHA-256 of every file in a folder, by its path there. */
export function folderSums(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll("\\", "/"),
    )
    .sort();
  return Object.fromEntries(names.map((name) => [name, sha256(readFileSync(join(folder, name)))]));
}

/**
 * Compares a folder's files with their checksums.
 * @throws InputError naming the first file that is missing or was changed
 */
export function requireSums(folder: string, sums: Readonly<Record<string, string>>): void {
  for (const [name, sum] of Object.entries(sums)) {
    let own: string | null;
    try {
      own = sha256(readFileSync(join(folder, name)));
    } catch {
      own = null;
    }
    if (own === sum) continue;
    const why = own === null ? "is missing" : "was changed since it was written";
    throw new InputError(`${join(folder, name)} ${why}: restore it, or begin again.`);
  }
}
