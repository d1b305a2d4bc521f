import { basicClasses, WordBreak, wordBreakClass } from "./word-break.js";

/** Lucene's default: a longer word is cut after this many code units. */
export const MAX_TOKEN_LENGTH = 255;

const { letter, hebrew, numeric, katakana, ideograph, complex, complexExtend, emoji, emojiModifier } =
  WordBreak;
const { extend, joiner, midLetter, midNumber, midBoth, singleQuote, zeroWidthJoiner, textStyle } = WordBreak;
const { regional, doubleQuote } = WordBreak;

/** Plain ASCII letters and digits: the words of most text hold nothing else. */
const plain = new Uint8Array(128);
for (const c of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") plain[c.charCodeAt(0)] = 1;
/** ASCII that can lengthen a word of plain characters: joiners and what stands in the middle of words. */
const hinge = new Uint8Array(128);
for (const c of "'.:,;_\"") hinge[c.charCodeAt(0)] = 1;

/** State of a word that ends in a Hebrew letter tied by a double quote: letters may follow, quotes and stops may not. */
const sealed = -1;

/** Called with the bounds of a word: `text.slice(start, end)`. */
export type WordVisitor = (start: number, end: number) => void;

/**
 * Visits the words of a text in order, as Lucene's StandardTokenizer cuts them (UAX #29 word boundaries, longest
 * match, types ignored).
 */
export function eachWord(text: string, visit: WordVisitor): void {
  const n = text.length;
  let i = 0;
  while (i < n) {
    const c = text.charCodeAt(i);
    if (c < 128) {
      if (plain[c]) {
        let j = i + 1;
        let d = -1;
        const cut = Math.min(n, i + MAX_TOKEN_LENGTH);
        while (j < cut && (d = text.charCodeAt(j)) < 128 && plain[d]) j++;
        // Most words end here: at the end of the text or before ASCII that cannot be inside a word.
        if (j === cut || (d < 128 && !hinge[d])) {
          visit(i, j);
          i = j;
          continue;
        }
      } else if (!hinge[c] && c !== 0x23 && c !== 0x2a) {
        i++;
        continue;
      }
    }
    const end = wordEnd(text, i, Math.min(n, i + MAX_TOKEN_LENGTH));
    if (end > i) {
      visit(i, end);
      i = end;
    } else {
      i += codePointAt(text, i, n) > 0xffff ? 2 : 1;
    }
  }
}

/** `codePointAt` that treats half a pair at `end` as a lone surrogate, which is what a cut-off buffer shows. */
function codePointAt(text: string, i: number, end: number): number {
  const c = text.charCodeAt(i);
  if (c < 0xd800 || c > 0xdbff || i + 1 >= end) return c;
  const d = text.charCodeAt(i + 1);
  return d >= 0xdc00 && d <= 0xdfff ? ((c - 0xd800) << 10) + (d - 0xdc00) + 0x10000 : c;
}

function classAt(text: string, i: number, end: number): number {
  if (i >= end) return WordBreak.other;
  const c = text.charCodeAt(i);
  return c < 0xd800 || c > 0xdfff ? basicClasses[c]! : wordBreakClass(codePointAt(text, i, end));
}

function after(text: string, i: number, end: number): number {
  return codePointAt(text, i, end) > 0xffff ? i + 2 : i + 1;
}

/** Past the combining marks and format characters at `i`. */
function skipExtend(text: string, i: number, end: number): number {
  while (i < end) {
    const k = classAt(text, i, end);
    if (
      k !== extend &&
      k !== zeroWidthJoiner &&
      k !== complexExtend &&
      k !== emojiModifier &&
      k !== textStyle
    )
      break;
    i = after(text, i, end);
  }
  return i;
}

/** Where the word that begins at `start` ends, or `start` when none begins there. */
function wordEnd(text: string, start: number, end: number): number {
  const first = classAt(text, start, end);
  switch (first) {
    case letter:
    case hebrew:
    case numeric:
    case katakana:
    case joiner: {
      const word = alphanumericEnd(text, start, end);
      return first === numeric ? Math.max(word, keycapEnd(text, start, end)) : word;
    }
    case ideograph:
      return skipExtend(text, after(text, start, end), end);
    case complex:
    case complexExtend: {
      let i = start;
      for (let k: number = first; k === complex || k === complexExtend; k = classAt(text, i, end)) {
        i = skipExtend(text, after(text, i, end), end);
      }
      return i;
    }
    case emoji:
    case emojiModifier:
      return emojiEnd(text, start, end);
    case zeroWidthJoiner: {
      let next = start + 1;
      while (classAt(text, next, end) === zeroWidthJoiner) next++;
      return classAt(text, next, end) === emoji ? emojiEnd(text, next, end) : start;
    }
    case regional: {
      const second = skipExtend(text, after(text, start, end), end);
      if (classAt(text, second, end) !== regional) return start;
      return skipExtend(text, after(text, second, end), end);
    }
    default:
      return keycapEnd(text, start, end);
  }
}

/** `#`, `*` or a digit under U+20E3, the keycap. */
function keycapEnd(text: string, start: number, end: number): number {
  const c = text.charCodeAt(start);
  if (c !== 0x23 && c !== 0x2a && (c < 0x30 || c > 0x39)) return start;
  let i = start + 1;
  if (i < end && text.charCodeAt(i) === 0xfe0f) i++;
  return i < end && text.charCodeAt(i) === 0x20e3 ? i + 1 : start;
}

/** An emoji with its modifiers, and those tied to it by zero-width joiners. */
function emojiEnd(text: string, start: number, end: number): number {
  let i = after(text, start, end);
  for (;;) {
    let joined = false;
    while (i < end) {
      const k = classAt(text, i, end);
      if (k !== extend && k !== zeroWidthJoiner && k !== complexExtend && k !== emojiModifier) break;
      joined = k === zeroWidthJoiner;
      i = after(text, i, end);
    }
    if (!joined || classAt(text, i, end) !== emoji) return i;
    i = after(text, i, end);
  }
}

/**
 * Letters, digits and katakana (rules WB5 to WB13b). A word is accepted wherever `last` is set; what stands in the
 * middle of words is passed only when the right kind follows it.
 */
function alphanumericEnd(text: string, start: number, end: number): number {
  let i = start;
  let last = start;
  /** The class of the end of the text up to `i`. */
  let state: number = joiner;
  let hasBody = false;
  /** A Hebrew letter that a quote already tied to what came before cannot take a quote of its own. */
  let tied = false;
  while (i < end) {
    const kind = classAt(text, i, end);
    let ahead: number;
    switch (kind) {
      case letter:
      case hebrew:
      case numeric:
        if (state === katakana) return last;
        break;
      case katakana:
        if (state !== katakana && state !== joiner) return last;
        break;
      case joiner:
        break;
      case singleQuote:
      case midBoth:
      case midLetter:
      case midNumber:
      case doubleQuote: {
        ahead = skipExtend(text, i + 1, end);
        const follows = classAt(text, ahead, end);
        const betweenLetters =
          kind !== midNumber &&
          kind !== doubleQuote &&
          (state === letter || state === hebrew) &&
          (follows === letter || follows === hebrew);
        const betweenDigits =
          kind !== midLetter && kind !== doubleQuote && state === numeric && follows === numeric;
        const free: boolean = state === hebrew && !tied;
        const betweenHebrew = kind === doubleQuote && free && follows === hebrew;
        if (betweenLetters || betweenDigits || betweenHebrew) {
          tied = !(kind === singleQuote && free);
          i = skipExtend(text, after(text, ahead, end), end);
          last = i;
          state = betweenHebrew ? sealed : follows;
          continue;
        }
        if (kind === singleQuote && free) {
          // A Hebrew letter keeps the quote after it (WB7a).
          last = i = ahead;
          state = singleQuote;
          continue;
        }
        return last;
      }
      default:
        return last;
    }
    i = skipExtend(text, after(text, i, end), end);
    state = kind;
    tied = false;
    if (kind !== joiner) hasBody = true;
    if (hasBody) last = i;
  }
  return last;
}
