import { canonicalJson, sha256 } from "../base/index.js";

export { canonicalJson, sha256 };

/** The key of an identity: SHA-256 over its canonical JSON. */
export function keyOf(identity: unknown): string {
  return sha256(canonicalJson(identity));
}
