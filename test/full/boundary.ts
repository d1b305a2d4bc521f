/** What a boundary may do with whatever comes to it: take it for what it is, or refuse it in one sentence. */
import { strict as assert } from "node:assert";
import fc from "fast-check";

/** Inputs for each boundary. */
export const RUNS = Number(process.env["AISLE_FUZZ_RUNS"] ?? 10_000);

/** Fails unless an error is a refusal in words: a line or two, not a page, and nothing in it that only a programmer reads. */
export function assertRefusal(error: unknown, what = ""): asserts error is Error {
  // By name: a module that is loaded later may bring a class of its own.
  const refused = error instanceof Error && error.name === "InputError";
  assert.ok(refused, `${what}\n${error instanceof Error ? error.stack : String(error)}`);
  const { message } = error;
  assert.ok(
    message.length > 10 && message.length < 2000,
    `${message.length} characters: ${message.slice(0, 3000)}`,
  );
  assert.doesNotMatch(
    message.replaceAll("received undefined", ""),
    /\[object |\bundefined\b|^\S*Error:|\n +at /,
    `${message}\n${what}`,
  );
}

/** The result, or undefined where it was refused in a sentence. */
export function takenOrRefused<T>(what: string, take: () => T): T | undefined {
  try {
    return take();
  } catch (error) {
    assertRefusal(error, what);
    return undefined;
  }
}

/** {@link takenOrRefused} of something that takes its time. */
export async function takenOrRefusedLater<T>(what: string, take: () => Promise<T>): Promise<T | undefined> {
  try {
    return await take();
  } catch (error) {
    assertRefusal(error, what);
    return undefined;
  }
}

/** Names that mean something to JavaScript. */
export const NAMES = fc.constantFrom(
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "",
  "0",
  "length",
  "é",
  "a.b",
  "a b",
);

/** Values that nobody expects. */
export const ODD: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(
    ...[null, true, false, 0, -0, 1, -1, 2, 0.5, 1e308, -1e308, 1e-320, 2 ** 53, 2 ** 31, 1e21],
    ...["", " ", "0", "null", "__proto__", "constructor", "é🙂", "\u0000", "a\nb", "a".repeat(500)],
    ...[[], {}, [[]], [null], [0], [""], { "": "" }, JSON.parse('{"__proto__": {"a": 1}}')],
  ),
);

/** A change of a value at a place, which is drawn as numbers so that it fits every value. */
export interface Change {
  readonly at: readonly number[];
  readonly how: "replace" | "remove" | "add" | "double" | "number";
  readonly name: string;
  readonly value: unknown;
}

/** Changes, one to three at a time. */
export const CHANGES: fc.Arbitrary<readonly Change[]> = fc.array(
  fc.record({
    at: fc.array(fc.nat(1000), { minLength: 1, maxLength: 6 }),
    how: fc.constantFrom("replace", "remove", "add", "double", "number"),
    name: NAMES,
    value: ODD,
  }),
  { minLength: 1, maxLength: 3 },
);

/** A copy of a JSON value with changes in it. */
export function changed(value: unknown, changes: readonly Change[]): unknown {
  const whole = { value: structuredClone(value) };
  for (const change of changes) {
    let [holder, key]: [Record<string, unknown>, string] = [whole, "value"];
    for (const step of change.at) {
      const inner = holder[key];
      if (typeof inner !== "object" || inner === null) break;
      const keys = Object.keys(inner);
      if (keys.length === 0) break;
      [holder, key] = [inner as Record<string, unknown>, keys[step % keys.length]!];
    }
    apply(holder, key, change);
  }
  return whole.value;
}

function apply(holder: Record<string, unknown>, key: string, { how, name, value }: Change): void {
  const put = (at: string, what: unknown): void => {
    Object.defineProperty(holder, at, { value: what, enumerable: true, writable: true, configurable: true });
  };
  const old = holder[key];
  switch (how) {
    case "replace":
      return put(key, structuredClone(value));
    case "remove":
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else if (key !== "value") Reflect.deleteProperty(holder, key);
      return;
    case "add":
      if (Array.isArray(holder)) holder.push(structuredClone(value));
      else put(name, structuredClone(value));
      return;
    case "double":
      return put(key, Array.isArray(old) ? [...old, ...old] : [old, old]);
    case "number":
      return put(
        key,
        typeof old === "number"
          ? -old + Number(typeof value === "number" ? value : 1)
          : JSON.stringify(old).slice(0, 200),
      );
  }
}
