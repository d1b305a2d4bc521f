import { createHash } from "node:crypto";

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

/** The key of an identity: SHA-256 over its canonical JSON. */
export function keyOf(identity: unknown): string {
  return sha256(canonicalJson(identity));
}
