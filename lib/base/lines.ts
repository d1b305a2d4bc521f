import { closeSync, openSync, readSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { InputError } from "./errors.js";
import { whyNot } from "./files.js";

/** Bytes that are in memory at once. */
const PIECE = 1 << 16;

/**
 * The lines of a text file, read a piece at a time; a file of any size takes little memory. Without the last line where that is
 * empty.
 * @throws InputError when it does not exist or cannot be read.
 */
export function* readLines(path: string, what = "file"): Generator<string, void, undefined> {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    throw new InputError(`Could not read the ${what} ${path}: ${whyNot(error)}.`);
  }
  try {
    const piece = Buffer.alloc(PIECE);
    const decoder = new StringDecoder("utf8");
    let rest = "";
    for (let read = readSync(file, piece); read > 0; read = readSync(file, piece)) {
      const lines = (rest + decoder.write(piece.subarray(0, read))).split("\n");
      rest = lines.pop()!;
      yield* lines;
    }
    rest += decoder.end();
    if (rest !== "") yield rest;
  } finally {
    closeSync(file);
  }
}
