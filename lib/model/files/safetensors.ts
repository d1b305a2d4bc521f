/**
 * Reading and writing safetensors. Tensors are read one at a time, directly into the array that is handed out
 * (float32) or through a small buffer (16-bit floats, converted once), so that two copies are never held.
 */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { besideName, codeOf, InputError, RunError, whyNot } from "../../base/index.js";
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from "./half.js";
import {
  readFully,
  readSafetensorsHeader,
  type SafetensorsHeader,
  type TensorPlace,
} from "./safetensors-header.js";

/** A tensor's values in row-major order, and its shape; `[]` is a scalar with one value. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array;
}

/** Element types that can be written from float32 values. */
export type FloatType = "F32" | "F16" | "BF16";

/** Elements converted at a time (2 MiB of 16-bit values). */
const CHUNK = 1 << 20;

/** One safetensors file whose header has been read and checked; tensors are read when asked for. */
export class SafetensorsFile {
  private readonly header: SafetensorsHeader;

  /** @throws InputError when the file is missing, cut off or declares what it does not hold. */
  constructor(readonly file: string) {
    this.header = readSafetensorsHeader(file);
  }

  /** The file's free text entries. */
  get metadata(): Readonly<Record<string, string>> {
    return this.header.metadata;
  }

  /** Where each tensor lies, in the order of the file. */
  get tensors(): ReadonlyMap<string, TensorPlace> {
    return this.header.tensors;
  }

  /**
   * One tensor's values: floats of 16 and 32 bits as float32, integers of 32 and 64 bits as int32.
   * @throws InputError when there is no such tensor or its element type is another.
   */
  read(name: string): TensorData {
    const place = this.header.tensors.get(name);
    if (!place) throw new InputError(`${this.file} holds no tensor "${name}".`);
    const data = place.dtype.startsWith("I") ? readInts(name, place) : readFloats(name, place);
    return { shape: place.shape, data };
  }
}

/** How many elements a tensor of this shape has. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * Reads a float tensor into `into`, or into a new array.
 * @throws InputError when its element type is not F32, F16 or BF16, or the file can no longer be read.
 */
export function readFloats(name: string, place: TensorPlace, into?: Float32Array): Float32Array {
  const { dtype, shape } = place;
  if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") {
    throw new InputError(`"${name}" in ${place.file} is ${dtype}; weights must be F32, F16 or BF16.`);
  }
  const n = elements(shape);
  const out = into ?? new Float32Array(n);
  if (out.length !== n) throw new RangeError(`"${name}" has ${n} elements, and ${out.length} were offered.`);
  const descriptor = openAgain(place.file);
  try {
    if (dtype === "F32") {
      readFully(descriptor, place.file, place.begin, bytesOf(out));
    } else {
      const widen = dtype === "BF16" ? bfloat16ToFloat32 : float16ToFloat32;
      const buffer = new Uint16Array(Math.min(CHUNK, n));
      for (let at = 0; at < n; at += CHUNK) {
        const piece = buffer.subarray(0, Math.min(CHUNK, n - at));
        readFully(descriptor, place.file, place.begin + 2 * at, bytesOf(piece));
        widen(piece, out, at);
      }
    }
  } finally {
    closeSync(descriptor);
  }
  return out;
}

/** Whether two tensors have the same shape and values, compared a piece at a time; stored in different types they count as different. */
export function sameValues(a: TensorPlace, b: TensorPlace): boolean {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return false;
  const [fileA, fileB] = [openAgain(a.file), openAgain(b.file)];
  try {
    const [pieceA, pieceB] = [Buffer.alloc(CHUNK), Buffer.alloc(CHUNK)];
    for (let at = 0; at < a.bytes; at += CHUNK) {
      const size = Math.min(CHUNK, a.bytes - at);
      readFully(fileA, a.file, a.begin + at, pieceA.subarray(0, size));
      readFully(fileB, b.file, b.begin + at, pieceB.subarray(0, size));
      if (pieceA.compare(pieceB, 0, size, 0, size) !== 0) return false;
    }
    return true;
  } finally {
    closeSync(fileA);
    closeSync(fileB);
  }
}

function readInts(name: string, place: TensorPlace): Int32Array {
  const n = elements(place.shape);
  const descriptor = openAgain(place.file);
  try {
    if (place.dtype === "I32") {
      const out = new Int32Array(n);
      readFully(descriptor, place.file, place.begin, bytesOf(out));
      return out;
    }
    if (place.dtype !== "I64")
      throw new InputError(`"${name}" in ${place.file} is ${place.dtype}, not I32 or I64.`);
    const wide = new BigInt64Array(n);
    readFully(descriptor, place.file, place.begin, bytesOf(wide));
    return Int32Array.from(wide, (value) => {
      if (value !== BigInt.asIntN(32, value)) {
        throw new InputError(`"${name}" in ${place.file} holds ${value}, which does not fit 32 bits.`);
      }
      return Number(value);
    });
  } finally {
    closeSync(descriptor);
  }
}

/** A float tensor whose values are made only when their turn to be written comes. */
export interface LazyTensor {
  readonly shape: readonly number[];
  /** The values, `elements(shape)` of them. Called once. */
  data(): Float32Array;
}

/** How `writeSafetensors` writes. */
export interface WriteOptions {
  /** How floats are stored. __Default:__ `F32` */
  readonly dtype?: FloatType;
  /** Free text entries. __Default:__ `{ format: "pt" }`, which transformers expects */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes a whole safetensors file or nothing: beside it first, then renamed. The bytes depend only on the tensors:
 * names are sorted and the header is padded to eight bytes. Int32 values are stored as `I32`.
 * @throws RunError when the disk is full or the folder cannot be written; an old file is then untouched.
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, TensorData | LazyTensor>,
  { dtype = "F32", metadata = { format: "pt" } }: WriteOptions = {},
): void {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  const part = besideName(path);
  let descriptor: number | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    descriptor = openSync(part, "w");
    writeFully(descriptor, headerBytes(sorted, dtype, metadata));
    for (const [name, tensor] of sorted) writeTensor(descriptor, name, tensor, dtype);
    closeSync(descriptor);
    descriptor = undefined;
    renameSync(part, path);
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    rmSync(part, { force: true });
    // Only the system's errors carry a code: anything else came from making the values.
    if (codeOf(error) === undefined) throw error;
    throw new RunError(`Could not write ${path}: ${whyNot(error)}; nothing was changed there.`);
  }
}

function headerBytes(
  sorted: readonly [string, TensorData | LazyTensor][],
  dtype: FloatType,
  metadata: Readonly<Record<string, string>>,
): Buffer {
  // A map first: as a plain object, a tensor named "__proto__" would vanish.
  const header = new Map<string, unknown>([["__metadata__", metadata]]);
  let at = 0;
  for (const [name, { shape, data }] of sorted) {
    const stored = data instanceof Int32Array ? "I32" : dtype;
    const end = at + elements(shape) * (stored === "I32" || stored === "F32" ? 4 : 2);
    header.set(name, { dtype: stored, shape, data_offsets: [at, end] });
    at = end;
  }
  const json = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const bytes = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, " ");
  bytes.writeBigUInt64LE(BigInt(bytes.length - 8), 0);
  json.copy(bytes, 8);
  return bytes;
}

function writeTensor(
  descriptor: number,
  name: string,
  tensor: TensorData | LazyTensor,
  dtype: FloatType,
): void {
  const data = typeof tensor.data === "function" ? tensor.data() : tensor.data;
  const n = elements(tensor.shape);
  if (data.length !== n)
    throw new RangeError(`"${name}" has ${data.length} values for [${tensor.shape.join(", ")}].`);
  if (dtype === "F32" || data instanceof Int32Array) {
    writeFully(descriptor, bytesOf(data));
    return;
  }
  const narrow = dtype === "BF16" ? float32ToBfloat16 : float32ToFloat16;
  const buffer = new Uint16Array(Math.min(CHUNK, n));
  for (let at = 0; at < n; at += CHUNK) {
    const piece = data.subarray(at, Math.min(at + CHUNK, n));
    narrow(piece, buffer);
    writeFully(descriptor, bytesOf(buffer.subarray(0, piece.length)));
  }
}

/** Most bytes given to the system at once. */
const WRITE_BYTES = 1 << 28;

function writeFully(descriptor: number, bytes: Uint8Array): void {
  let done = 0;
  while (done < bytes.byteLength) {
    done += writeSync(descriptor, bytes, done, Math.min(WRITE_BYTES, bytes.byteLength - done));
  }
}

function openAgain(file: string): number {
  try {
    return openSync(file, "r");
  } catch (error) {
    throw new InputError(`Could not read the weights ${file}: ${whyNot(error)}.`);
  }
}

/** The bytes under a typed array. Files and every machine that Node runs on are little-endian. */
function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
