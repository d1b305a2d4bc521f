/**
 * Python's ways of writing things down. WebShop's pages, addresses and index texts are made by Python's `str`,
 * `repr` and `json`, and agents see the results, so we write the same characters.
 */

/** The characters that Python's `str.strip()` strips (`str.isspace`); JavaScript's `trim` differs in six characters. */
const SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";
const LEADING = new RegExp(`^${SPACE}+`);
const BETWEEN_WORDS = new RegExp(`${SPACE}+`);

/** Whether a UTF-16 unit is white space to Python. */
function isSpace(code: number): boolean {
  if (code <= 0x20) return (code >= 9 && code <= 13) || code >= 0x1c;
  if (code < 0x85) return false;
  return LEADING.test(String.fromCharCode(code));
}

/** Python's `text.strip()`. */
export function strip(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

/** Python's `text.split()`: words between runs of white space. */
export function splitWords(text: string): string[] {
  return text.split(BETWEEN_WORDS).filter((word) => word !== "");
}

/** Python's `repr` of a float: shortest digits that read back the same, always with a point or an exponent. */
export function floatText(x: number): string {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
  const size = Math.abs(x);
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return x.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  }
  if (Object.is(x, -0)) return "-0.0";
  const digits = String(x).includes("e") ? x.toFixed(0) : String(x);
  return digits.includes(".") ? digits : `${digits}.0`;
}

/** Python's `json.dumps` of a string: everything outside printable ASCII is escaped. */
export function jsonText(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Python's `json.dumps` of an object of strings, with its ", " and ": ". */
export function jsonObjectText(object: Readonly<Record<string, string>>, sortKeys = false): string {
  const names = Object.keys(object);
  if (sortKeys) names.sort(byCodePoint);
  return `{${names.map((name) => `${jsonText(name)}: ${jsonText(object[name]!)}`).join(", ")}}`;
}

/** Python's `repr` of a string: single quotes, unless it holds one and no double quote. */
export function reprText(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let body = "";
  for (const character of text) {
    if (character === quote || character === "\\") body += `\\${character}`;
    else if (PRINTABLE.test(character)) body += character;
    else body += escapeUnprintable(character);
  }
  return quote + body + quote;
}

/** Printable to Python: every category but other (C) and separators (Z), the plain space excepted. */
const PRINTABLE = /^(?: |[^\p{C}\p{Z}])$/u;

function escapeUnprintable(character: string): string {
  const short: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const code = character.codePointAt(0)!;
  const hex = code.toString(16);
  if (short[character] !== undefined) return short[character];
  if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}

/** Python's `str` of a dictionary of strings. */
export function dictText(object: Readonly<Record<string, string>>): string {
  const pairs = Object.keys(object).map((name) => `${reprText(name)}: ${reprText(object[name]!)}`);
  return `{${pairs.join(", ")}}`;
}

/** Python's `str` of a list of strings. */
export function listText(items: readonly string[]): string {
  return `[${items.map(reprText).join(", ")}]`;
}

/** Python's order of strings: by code point, where JavaScript's is by UTF-16 unit. */
export function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    // Surrogates stand for code points above every other unit.
    if (x !== y) return x - y + (isSurrogate(x) ? 0x10000 : 0) - (isSurrogate(y) ? 0x10000 : 0);
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
