/** MessagePack as spaCy writes it, and the arrays of numbers in it. */
import { Unpackr } from "msgpackr";

/** A part of a pipeline that does not hold what it should; the caller says in which file. */
export class UnexpectedContent extends Error {}

const unpackr = new Unpackr({ mapsAsObjects: false, int64AsType: "bigint" });

/** @throws UnexpectedContent when the bytes are no MessagePack. */
export function unpack(bytes: Uint8Array, what: string): unknown {
  try {
    return unpackr.unpack(bytes);
  } catch {
    throw new UnexpectedContent(`its ${what} cannot be read`);
  }
}

export function asMap(value: unknown, what: string): ReadonlyMap<unknown, unknown> {
  if (value instanceof Map) return value;
  throw new UnexpectedContent(`its ${what} is no table`);
}

export function asList(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  throw new UnexpectedContent(`its ${what} is no list`);
}

export function asText(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new UnexpectedContent(`its ${what} is no text`);
}

export function asWhole(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw new UnexpectedContent(`its ${what} is no whole number`);
}

/** The numbers of an array as numpy's MessagePack extension writes it: a table whose keys are bytes. */
export function asNumbers(value: unknown, shape: readonly number[], what: string): Float32Array {
  const parts = new Map([...asMap(value, what)].map(([key, part]) => [String(key), part]));
  const own = asList(parts.get("shape"), what).map(Number);
  if (parts.get("type") !== "<f4" || own.join() !== shape.join()) {
    throw new UnexpectedContent(
      `its ${what} has the shape ${own.join(" × ")} instead of ${shape.join(" × ")}`,
    );
  }
  const data = parts.get("data");
  const count = shape.reduce((product, length) => product * length, 1);
  if (!(data instanceof Uint8Array) || data.length !== count * 4) {
    throw new UnexpectedContent(`its ${what} is incomplete`);
  }
  const numbers = new Float32Array(count);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  for (let i = 0; i < count; i++) numbers[i] = view.getFloat32(i * 4, true);
  if (!numbers.every(Number.isFinite)) throw new UnexpectedContent(`its ${what} holds what is no number`);
  return numbers;
}
