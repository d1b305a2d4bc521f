import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { InputError, messageOf, RunError, whyNot } from "../../base/index.js";

/** Typed arrays that can lie in a pack. */
export type FlatArray = Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array;

const MAGIC = "AISLEPK1";
/** Arrays begin at multiples of this, so that any of them can be viewed in place. */
const ALIGN = 64;
/** One read or write call moves at most this much. */
const CHUNK = 1 << 28;

const kinds = { Uint8Array, Uint16Array, Uint32Array, Float32Array, Float64Array } as const;
type Kind = keyof typeof kinds;

interface Entry {
  readonly name: string;
  readonly kind: Kind;
  readonly length: number;
  readonly offset: number;
}

/** The arrays of a pack by name. All lie in one buffer that threads can share. */
export interface Pack {
  readonly buffer: SharedArrayBuffer;
  readonly arrays: Readonly<Record<string, FlatArray>>;
}

/** A number of bytes and the SHA-256 of them. */
export interface Written {
  readonly bytes: number;
  readonly sha256: string;
}

const align = (n: number): number => Math.ceil(n / ALIGN) * ALIGN;

function assertLittleEndian(): void {
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] !== 1) {
    throw new RunError("Catalogues are little-endian files; this processor is not.");
  }
}

/** Writes flat arrays, one after another, behind a header that names them. */
export function writePack(path: string, arrays: Readonly<Record<string, FlatArray>>): Written {
  assertLittleEndian();
  const entries: Entry[] = [];
  let offset = 0;
  for (const [name, array] of Object.entries(arrays)) {
    entries.push({ name, kind: array.constructor.name as Kind, length: array.length, offset });
    offset = align(offset + array.byteLength);
  }
  const header = Buffer.from(JSON.stringify({ arrays: entries, bytes: offset }));
  const lead = Buffer.alloc(align(16 + header.length));
  lead.write(MAGIC, 0, "latin1");
  lead.writeUInt32LE(header.length, 8);
  lead.writeUInt32LE(lead.length, 12);
  header.copy(lead, 16);

  const hash = createHash("sha256");
  const file = openSync(path, "w");
  let bytes = 0;
  const put = (data: Uint8Array): void => {
    for (let done = 0; done < data.length;) {
      done += writeSync(file, data, done, Math.min(CHUNK, data.length - done));
    }
    hash.update(data);
    bytes += data.length;
  };
  try {
    put(lead);
    for (const array of Object.values(arrays)) {
      const view = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let at = 0; at < view.length; at += CHUNK) put(view.subarray(at, at + CHUNK));
      put(new Uint8Array(align(array.byteLength) - array.byteLength));
    }
  } catch (error) {
    throw new RunError(`Could not write ${path}: ${whyNot(error)}.`);
  } finally {
    closeSync(file);
  }
  return { bytes, sha256: hash.digest("hex") };
}

/**
 * Reads a pack into one shared buffer.
 * @throws InputError when the file is missing, is not a pack or ends early.
 */
export function readPack(path: string): Pack {
  assertLittleEndian();
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    throw new InputError(`Could not read ${path}: ${whyNot(error)}.`);
  }
  try {
    const size = fstatSync(file).size;
    const { entries, start, bytes } = readHeader(file, path, size);
    if (size !== start + bytes) {
      throw new InputError(`${path} is cut off: it has ${size} bytes and should have ${start + bytes}.`);
    }
    const buffer = new SharedArrayBuffer(bytes);
    for (let at = 0; at < bytes;) {
      const view = new Uint8Array(buffer, at, Math.min(CHUNK, bytes - at));
      const got = readSync(file, view, 0, view.length, start + at);
      if (got === 0) throw new InputError(`${path} became shorter while it was read.`);
      at += got;
    }
    return viewPack(buffer, entries);
  } finally {
    closeSync(file);
  }
}

function readHeader(
  file: number,
  path: string,
  size: number,
): { entries: readonly Entry[]; start: number; bytes: number } {
  const foreign = new InputError(`${path} is not a file of an Aisle catalogue, or its beginning is damaged.`);
  const lead = Buffer.alloc(16);
  if (readSync(file, lead, 0, 16, 0) < 16 || lead.toString("latin1", 0, 8) !== MAGIC) throw foreign;
  const length = lead.readUInt32LE(8);
  const start = lead.readUInt32LE(12);
  if (length > 1 << 20 || start !== align(16 + length) || start > size) throw foreign;
  const text = Buffer.alloc(length);
  readSync(file, text, 0, length, 16);
  let header: { arrays: readonly Entry[]; bytes: number };
  try {
    header = JSON.parse(text.toString()) as { arrays: readonly Entry[]; bytes: number };
  } catch (error) {
    throw new InputError(`The header of ${path} is damaged: ${messageOf(error)}.`);
  }
  return { entries: header.arrays, start, bytes: header.bytes };
}

function viewPack(buffer: SharedArrayBuffer, entries: readonly Entry[]): Pack {
  const arrays: Record<string, FlatArray> = {};
  for (const { name, kind, length, offset } of entries) {
    arrays[name] = new kinds[kind](buffer as unknown as ArrayBuffer, offset, length);
  }
  return { buffer, arrays };
}

/** An array of a pack, checked to be of the type that the reader expects. */
export function arrayOf<K extends Kind>(pack: Pack, name: string, kind: K): InstanceType<(typeof kinds)[K]> {
  const array = pack.arrays[name];
  if (!(array instanceof kinds[kind])) throw new InputError(`A catalogue file lacks its array "${name}".`);
  return array as InstanceType<(typeof kinds)[K]>;
}
