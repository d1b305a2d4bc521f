/** Python's character classes as its string methods use them, where JavaScript's own classes differ. */

/** `str.isspace()` of one character. */
const SPACE = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;
/** `str.isdigit()`: decimal digits of every script, and digits that are raised, lowered, circled or dotted. */
const DIGIT =
  /^[\p{Nd}\xb2\xb3\xb9\u1369-\u1371\u19da\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468\u2474-\u247c\u2488-\u2490\u24ea\u24f5-\u24fd\u24ff\u2776-\u277e\u2780-\u2788\u278a-\u2792\u{10a40}-\u{10a43}\u{10e60}-\u{10e68}\u{11052}-\u{1105a}\u{1f100}-\u{1f10a}]$/u;
const LETTER = /^\p{L}$/u;
const UPPER = /^\p{Uppercase}$/u;

/** White space to Python, given one UTF-16 unit (no white space lies beyond 0xFFFF). */
export function isSpace(code: number): boolean {
  if (code <= 0x20) return code === 0x20 || (code >= 9 && code <= 13) || code >= 0x1c;
  return code >= 0x85 && SPACE.test(String.fromCharCode(code));
}

/** X for a capital letter, x for another, d for a digit, else the character itself. */
export function shapeOfCharacter(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x80) {
    if (code >= 0x61 && code <= 0x7a) return "x";
    if (code >= 0x41 && code <= 0x5a) return "X";
    return code >= 0x30 && code <= 0x39 ? "d" : character;
  }
  if (LETTER.test(character)) return UPPER.test(character) ? "X" : "x";
  return DIGIT.test(character) ? "d" : character;
}
