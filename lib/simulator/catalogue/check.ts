/** Whether the files of a catalogue are the bytes that were built. */
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError, whyNot, writeJson } from "../../base/index.js";
import { FILES, MANIFEST, type Manifest } from "./format.js";

/** Beside the other files: which of them were found right, and when they had changed last. */
const CHECKED = "checked.json";
/** Up to so many bytes in all, every opening reads and checks them: milliseconds. Beyond, once. */
const ALWAYS = 1 << 26;

export interface CheckOptions {
  /** Reads and hashes every file, also those that were found right before. Default false. */
  readonly verify?: boolean;
  /** Told the fraction of the bytes that was read, from 0 to 1; only where there are many. */
  readonly checking?: ((done: number) => void) | undefined;
}

/** A file as it was when its bytes were right: a change to it changes one of these. */
const seenSchema = z.object({
  sha256: z.string(),
  bytes: z.number(),
  inode: z.number(),
  modified: z.number(),
  changed: z.number(),
});
type Seen = z.infer<typeof seenSchema>;
const checkedSchema = z.record(z.string(), seenSchema);

/**
 * Compares the length and the SHA-256 of every file with the manifest. Where the files are large, those that were right
 * before and have kept their size, inode and times are not read again, unless `verify`.
 * @throws InputError that names the file which is missing, damaged or altered.
 */
export function checkFiles(folder: string, manifest: Manifest, options: CheckOptions = {}): void {
  const entries = Object.entries(FILES).map(([name, file]) => {
    const expected = manifest.files[name as keyof typeof FILES];
    const path = join(folder, file);
    return { file, path, sha256: expected.sha256, seen: look(path, expected) };
  });
  const total = entries.reduce((sum, { seen }) => sum + seen.bytes, 0);
  const large = total > ALWAYS;
  const before = large && options.verify !== true ? readChecked(folder) : {};
  let done = 0;
  const read = (bytes: number): void => {
    done += bytes;
    if (large) options.checking?.(done / total);
  };
  let news = false;
  for (const { file, path, sha256, seen } of entries) {
    if (same(before[file], seen)) {
      read(seen.bytes);
      continue;
    }
    if (hashOf(path, read) !== sha256) {
      throw new InputError(
        `${path} is damaged or was altered: its bytes are not those that were built. Build the catalogue again.`,
      );
    }
    news = true;
  }
  if (large && news) remember(folder, Object.fromEntries(entries.map(({ file, seen }) => [file, seen])));
}

/**
 * The fingerprint of a catalogue: a hash over everything that rewards and observations depend on.
 * @param prices one for each product
 */
export function fingerprintOf(
  manifest: Pick<Manifest, "format" | "priceSeed" | "goalSeed" | "goalKind"> & {
    readonly files: Readonly<Record<"products" | "goals", { readonly sha256: string }>>;
  },
  prices: Float64Array,
): string {
  const { format, priceSeed, goalSeed, goalKind, files } = manifest;
  return createHash("sha256")
    .update(
      JSON.stringify([format, priceSeed, goalSeed, goalKind, files.products.sha256, files.goals.sha256]),
    )
    .update(new Uint8Array(prices.buffer, prices.byteOffset, prices.byteLength))
    .digest("hex");
}

/** Compares what a manifest says of its catalogue with the tables. @throws InputError when it was damaged or altered. */
export function checkManifest(
  folder: string,
  manifest: Manifest,
  tables: { readonly products: number; readonly goals: number; readonly prices: Float64Array },
): void {
  const { products, goals, prices } = tables;
  if (
    manifest.products === products &&
    manifest.goals === goals &&
    manifest.fingerprint === fingerprintOf(manifest, prices)
  ) {
    return;
  }
  throw new InputError(
    `${join(folder, MANIFEST)} is damaged or was altered: it does not describe the files beside it. Build the catalogue again.`,
  );
}

function look(path: string, expected: { readonly bytes: number; readonly sha256: string }): Seen {
  let found;
  try {
    found = statSync(path);
  } catch (error) {
    throw new InputError(`Could not open ${path}: ${whyNot(error)}; build the catalogue again.`);
  }
  if (found.size !== expected.bytes) {
    throw new InputError(
      `${path} is damaged: it has ${found.size} bytes and should have ${expected.bytes}; build the catalogue again.`,
    );
  }
  const { size: bytes, ino: inode, mtimeMs: modified, ctimeMs: changed } = found;
  return { sha256: expected.sha256, bytes, inode, modified, changed };
}

function same(before: Seen | undefined, now: Seen): boolean {
  return (
    before !== undefined && (Object.keys(now) as (keyof Seen)[]).every((key) => before[key] === now[key])
  );
}

function readChecked(folder: string): Partial<Record<string, Seen>> {
  const path = join(folder, CHECKED);
  try {
    return existsSync(path) ? checkedSchema.parse(JSON.parse(readFileSync(path, "utf8"))) : {};
  } catch {
    return {}; // What cannot be read says nothing: the files are checked.
  }
}

function remember(folder: string, seen: Readonly<Record<string, Seen>>): void {
  try {
    writeJson(join(folder, CHECKED), seen);
  } catch {
    // A folder that cannot be written is checked at every opening.
  }
}

function hashOf(path: string, read: (bytes: number) => void): string {
  const hash = createHash("sha256");
  const buffer = Buffer.alloc(1 << 22);
  try {
    const file = openSync(path, "r");
    try {
      for (;;) {
        const got = readSync(file, buffer);
        if (got === 0) return hash.digest("hex");
        hash.update(buffer.subarray(0, got));
        read(got);
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new InputError(`Could not read ${path}: ${whyNot(error)}; build the catalogue again.`);
  }
}
