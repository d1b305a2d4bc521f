/**
 * The tagger's file: a line that names the format, a line of JSON with everything but the numbers, the numbers (32-bit
 * floats, lowest byte first), and the SHA-256 of all that.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { endianness } from "node:os";
import { InputError, whyNot, writeFileWhole } from "../../base/index.js";
import {
  DEPTH,
  type MaxoutLayer,
  PIECES,
  type TaggerDescription,
  type TaggerModel,
  type TaggerWeights,
  WIDTH,
} from "./model.js";

const FORMAT = "aisle tagger 1";
const HASH_BYTES = 32;
const NEWLINE = 0x0a;

/**
 * Writes the whole file or nothing.
 * @throws RunError when it cannot be written.
 */
export function writeTagger(path: string, { description, weights }: TaggerModel): void {
  const head = Buffer.from(`${FORMAT}\n${JSON.stringify(description)}\n`);
  const content = Buffer.concat([head, ...arraysOf(weights).map(bytesOf)]);
  writeFileWhole(path, Buffer.concat([content, hashOf(content)]));
}

/**
 * Reads a file that `writeTagger` wrote.
 * @throws InputError when it is absent, damaged or of another format.
 */
export function readTagger(path: string): TaggerModel {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new InputError(
      `Could not read the tagger ${path}: ${whyNot(error)}; "aisle data fetch tagger" makes it.`,
    );
  }
  const content = bytes.subarray(0, Math.max(0, bytes.length - HASH_BYTES));
  if (!hashOf(content).equals(bytes.subarray(content.length))) {
    throw new InputError(`The tagger ${path} is damaged: make it again with "aisle data fetch tagger".`);
  }
  const lineEnd = content.indexOf(NEWLINE);
  const headEnd = content.indexOf(NEWLINE, lineEnd + 1);
  if (content.subarray(0, lineEnd).toString() !== FORMAT || headEnd < 0) {
    throw new InputError(
      `The tagger ${path} is of another version: make it again with "aisle data fetch tagger".`,
    );
  }
  const description = JSON.parse(content.subarray(lineEnd + 1, headEnd).toString()) as TaggerDescription;
  return { description, weights: weightsFrom(content.subarray(headEnd + 1), description) };
}

function hashOf(content: Uint8Array): Buffer {
  return createHash("sha256").update(content).digest();
}

/** In the order of the file. */
function arraysOf(weights: TaggerWeights): Float32Array[] {
  const layers = [weights.mix, ...weights.encoder];
  return [
    ...weights.tables,
    ...layers.flatMap((layer) => [layer.weights, layer.bias, layer.gain, layer.shift]),
    weights.outputWeights,
    weights.outputBias,
  ];
}

function weightsFrom(bytes: Buffer, { tables, labels }: TaggerDescription): TaggerWeights {
  let at = 0;
  const take = (count: number): Float32Array => {
    const part = swapped(Uint8Array.from(bytes.subarray(at, (at += count * 4))));
    return new Float32Array(part.buffer);
  };
  const layer = (inputs: number): MaxoutLayer => ({
    weights: take(WIDTH * PIECES * inputs),
    bias: take(WIDTH * PIECES),
    gain: take(WIDTH),
    shift: take(WIDTH),
  });
  return {
    tables: tables.map(({ rows }) => take(rows * WIDTH)),
    mix: layer(tables.length * WIDTH),
    encoder: Array.from({ length: DEPTH }, () => layer(3 * WIDTH)),
    outputWeights: take(labels.length * WIDTH),
    outputBias: take(labels.length),
  };
}

function bytesOf(numbers: Float32Array): Uint8Array {
  return swapped(new Uint8Array(numbers.slice().buffer));
}

/** Lowest byte first, or back from it, on a machine that has the highest first. */
function swapped(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (endianness() === "BE") Buffer.from(bytes.buffer).swap32();
  return bytes;
}
