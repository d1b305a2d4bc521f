/**
 * The header of a safetensors file: eight bytes of length, then JSON that places every tensor in the bytes that follow.
 * Format: https://huggingface.co/docs/safetensors (an element size times a shape must fill its byte range, and the ranges
 * must fill the file without holes or overlaps). Everything is checked here, so that reading cannot go wrong later.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { z } from "zod";
import { InputError, messageOf, whyNot } from "../../base/index.js";

/** Bytes per element of every element type that the format knows at a whole number of bytes. A map, since a file may name `__proto__`. */
const ELEMENT_BYTES: ReadonlyMap<string, number> = new Map([
  ["F64", 8],
  ["F32", 4],
  ["F16", 2],
  ["BF16", 2],
  ["F8_E4M3", 1],
  ["F8_E5M2", 1],
  ["I64", 8],
  ["I32", 4],
  ["I16", 2],
  ["I8", 1],
  ["U64", 8],
  ["U32", 4],
  ["U16", 2],
  ["U8", 1],
  ["BOOL", 1],
]);

/** The format's own limit; a longer header is a broken length, not a large model. */
const MAX_HEADER_BYTES = 100_000_000;

/** Where one tensor lies. */
export interface TensorPlace {
  /** The file that holds it. */
  readonly file: string;
  /** Its element type by the format's name: `F32`, `BF16`, … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** First byte, counted from the start of the file. */
  readonly begin: number;
  /** Bytes that it takes. */
  readonly bytes: number;
}

/** A checked header. */
export interface SafetensorsHeader {
  /** Tensors by name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorPlace>;
  /** The file's free text entries. */
  readonly metadata: Readonly<Record<string, string>>;
}

const natural = z.number().int().nonnegative();
const Entry = z.object({
  dtype: z.string(),
  shape: z.array(natural),
  data_offsets: z.tuple([natural, natural]),
});
const Metadata = z.record(z.string(), z.string());

/**
 * Reads and checks the header of one safetensors file.
 * @throws InputError naming the file and, where there is one, the tensor.
 */
export function readSafetensorsHeader(file: string): SafetensorsHeader {
  let descriptor: number;
  try {
    descriptor = openSync(file, "r");
  } catch (error) {
    throw new InputError(`Could not read the weights ${file}: ${whyNot(error)}.`);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) throw new InputError(`The weights ${file} are not a file.`);
    if (stat.size < 8)
      throw broken(file, `it has ${stat.size} bytes, and the length of its header alone takes 8`);
    const length = headerLength(file, readAt(descriptor, file, 0, 8), stat.size);
    return parseHeader(file, readAt(descriptor, file, 8, length).toString("utf8"), 8 + length, stat.size);
  } finally {
    closeSync(descriptor);
  }
}

/** A file that is not what it should be, with the same ending everywhere: what to do. */
export function broken(file: string, what: string): InputError {
  return new InputError(`${file} is not a whole safetensors file: ${what}. Copy or download it again.`);
}

function headerLength(file: string, bytes: Buffer, fileSize: number): number {
  const length = bytes.readBigUInt64LE(0);
  if (length > BigInt(MAX_HEADER_BYTES)) throw broken(file, `its header claims ${length} bytes`);
  if (Number(length) > fileSize - 8) {
    throw broken(file, `its header claims ${length} bytes and only ${fileSize - 8} follow`);
  }
  return Number(length);
}

function parseHeader(file: string, text: string, dataBegin: number, fileSize: number): SafetensorsHeader {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw broken(file, `its header is not JSON (${messageOf(error)})`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw broken(file, "its header is not a JSON object");
  }
  let metadata: Record<string, string> = {};
  const places: [string, TensorPlace][] = [];
  for (const [name, value] of Object.entries(parsed)) {
    if (name === "__metadata__") {
      if (value === null) continue; // as none, in the reference implementation too
      const checked = Metadata.safeParse(value);
      if (!checked.success) throw broken(file, "its __metadata__ is not a map of texts");
      metadata = checked.data;
    } else {
      places.push([name, tensorPlace(file, name, value, dataBegin)]);
    }
  }
  checkCoverage(file, places, dataBegin, fileSize);
  return { tensors: new Map(places), metadata };
}

function tensorPlace(file: string, name: string, value: unknown, dataBegin: number): TensorPlace {
  const checked = Entry.safeParse(value);
  if (!checked.success)
    throw broken(file, `the entry of "${name}" lacks a proper dtype, shape or data_offsets`);
  const { dtype, shape, data_offsets: offsets } = checked.data;
  const elementBytes = ELEMENT_BYTES.get(dtype);
  if (elementBytes === undefined) throw broken(file, `"${name}" has the unknown element type "${dtype}"`);
  const bytes = offsets[1] - offsets[0];
  const expected = shape.reduce((product, size) => product * size, elementBytes);
  if (bytes !== expected) {
    throw broken(file, `"${name}" is ${dtype} [${shape.join(", ")}], ${expected} bytes, but has ${bytes}`);
  }
  return { file, dtype, shape, begin: dataBegin + offsets[0], bytes };
}

/** Sorts the tensors by position and refuses holes, overlaps and anything beyond the end of the file. */
function checkCoverage(
  file: string,
  places: [string, TensorPlace][],
  dataBegin: number,
  fileSize: number,
): void {
  places.sort(([, a], [, b]) => a.begin - b.begin || a.bytes - b.bytes);
  let at = dataBegin;
  for (const [name, place] of places) {
    if (place.begin < at) throw broken(file, `"${name}" overlaps the tensor before it`);
    if (place.begin > at) throw broken(file, `nothing covers the ${place.begin - at} bytes before "${name}"`);
    at = place.begin + place.bytes;
    if (at > fileSize) {
      throw broken(file, `it ends ${at - fileSize} bytes before the end of "${name}" (was it cut off?)`);
    }
  }
  if (at < fileSize) throw broken(file, `${fileSize - at} bytes after its last tensor belong to nothing`);
}

/**
 * Reads exactly `length` bytes at `position`.
 * @throws InputError when the file ends before.
 */
export function readAt(descriptor: number, file: string, position: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  readFully(descriptor, file, position, buffer);
  return buffer;
}

/** Most bytes asked of the system at once: well under its limit of 2 GiB. */
const READ_BYTES = 1 << 28;

/** Fills `buffer` from `position` on, in pieces; errors as in `readAt`. */
export function readFully(descriptor: number, file: string, position: number, buffer: Uint8Array): void {
  let done = 0;
  while (done < buffer.byteLength) {
    const wanted = Math.min(READ_BYTES, buffer.byteLength - done);
    let got: number;
    try {
      got = readSync(descriptor, buffer, done, wanted, position + done);
    } catch (error) {
      throw new InputError(`Could not read ${file}: ${whyNot(error)}.`);
    }
    if (got === 0) throw broken(file, "it became shorter while it was read");
    done += got;
  }
}
