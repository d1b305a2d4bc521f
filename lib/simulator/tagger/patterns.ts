/** Python's regular expressions, as far as spaCy's tokenizer uses them, as JavaScript's. */
import { InputError } from "../../base/index.js";

const SPACES = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
/** Python's classes by their letter, as the inside of a JavaScript class with the u flag. */
const CLASSES: Readonly<Record<string, string>> = {
  d: "\\p{Nd}",
  w: "\\p{L}\\p{N}_",
  s: SPACES,
};
/** Characters that the u flag allows a backslash before. */
const SYNTAX = new Set("^$\\.*+?()[]{}|/");

/**
 * The same pattern for JavaScript's `u` mode: long escapes, classes over all of Unicode, no escape without need.
 * @param flags beside u, e.g. g.
 * @throws InputError when the pattern uses what JavaScript does not have.
 */
export function fromPython(pattern: string, flags = ""): RegExp {
  const source = translate(pattern.startsWith("(?u)") ? pattern.slice(4) : pattern);
  try {
    return new RegExp(source, `u${flags}`);
  } catch {
    throw new InputError(
      "The tagger's file has a tokenizer rule that JavaScript cannot read: fetch it again.",
    );
  }
}

function translate(pattern: string): string {
  let out = "";
  let inClass = false;
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    if (character !== "\\") {
      if (character === "[" && !inClass) inClass = true;
      else if (character === "[") out += "\\";
      else if (character === "]") inClass = false;
      out += character;
      continue;
    }
    const next = pattern[++at] ?? "";
    if (next === "U") {
      out += `\\u{${pattern.slice(at + 1, at + 9)}}`;
      at += 8;
    } else if (next === "u" || next === "x") {
      const digits = next === "u" ? 4 : 2;
      out += `\\${next}${pattern.slice(at + 1, at + 1 + digits)}`;
      at += digits;
    } else if (CLASSES[next] !== undefined) {
      out += inClass ? CLASSES[next] : `[${CLASSES[next]}]`;
    } else if (CLASSES[next.toLowerCase()] !== undefined && !inClass) {
      out += `[^${CLASSES[next.toLowerCase()]}]`;
    } else if (next === "-" && inClass) {
      out += "\\-";
    } else if (/[a-z0-9]/i.test(next) || SYNTAX.has(next)) {
      out += `\\${next}`;
    } else {
      out += next;
    }
  }
  return out;
}
