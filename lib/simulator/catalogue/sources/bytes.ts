import { closeSync, createReadStream, fstatSync, openSync, readSync } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { codeOf, InputError, messageOf, whyNot } from "../../../base/index.js";

const CHUNK = 1 << 20;

/** A file being read, unpacked on the way where it is gzipped. */
export interface OpenFile {
  /** Streams between the file and the reader, in order: the file first. */
  readonly streams: readonly (Readable | NodeJS.ReadWriteStream)[];
  /** The fraction that was read, from 0 to 1. */
  done(): number;
}

/**
 * Opens a file that the user named; gzip is recognised by its first two bytes.
 * @throws InputError when it cannot be read.
 */
export function openFile(path: string, what: string): OpenFile {
  const lead = Buffer.alloc(2);
  let size: number;
  try {
    const file = openSync(path, "r");
    try {
      size = fstatSync(file).size;
      readSync(file, lead, 0, 2, 0);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new InputError(`Could not read the ${what} ${path}: ${whyNot(error)}.`);
  }
  const source = createReadStream(path, { highWaterMark: CHUNK });
  const packed = lead[0] === 0x1f && lead[1] === 0x8b;
  return {
    streams: packed ? [source, createGunzip({ chunkSize: CHUNK })] : [source],
    done: () => (size === 0 ? 1 : Math.min(1, source.bytesRead / size)),
  };
}

/** The reason why a file could not be read and unpacked, in a sentence for the user. */
export function readingFailed(error: unknown, path: string, where: string): InputError {
  if (error instanceof InputError) return error;
  const code = codeOf(error);
  const advice = "get the file again";
  if (code === "Z_BUF_ERROR")
    return new InputError(`${path} is cut off: its gzip data ends ${where}; ${advice}.`);
  if (code?.startsWith("Z_")) return new InputError(`${path} holds damaged gzip data ${where}; ${advice}.`);
  if (code !== undefined && code.startsWith("E"))
    return new InputError(`Could not read ${path}: ${whyNot(error)}.`);
  return new InputError(
    `${path} is not the JSON it should be ${where}: ${firstLine(messageOf(error))}; ${advice}.`,
  );
}

function firstLine(text: string): string {
  const line = text.split("\n")[0]!.trim();
  return line.length > 120 ? `${line.slice(0, 120)}…` : line;
}
