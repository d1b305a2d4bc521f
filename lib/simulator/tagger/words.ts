/** A word by itself: what spaCy's network is told of it. */
import { isSpace, shapeOfCharacter } from "./characters.js";
import { hashText } from "./murmur.js";
import { SYMBOL_NUMBERS } from "./symbols.js";

/** Texts beyond this many characters have the shape LONG. */
const LONG = 100;
/** Of a run of alike characters a shape keeps this many. */
const RUN = 4;

/** Norms that come with spaCy itself: quotation marks, dashes and currencies are alike. */
const BASE_NORMS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "'s": "'s 'S ’s ’S",
    "'": "’ ‘ ´ `",
    '"': "” “ '' `` ´´ „ » « ‘‘ ’’",
    "?": "？",
    "!": "！",
    ",": "，",
    ";": "；",
    ":": "：",
    ".": "。 ।",
    "...": "…",
    "-": "— – -- --- ——",
    $: "€ £ ¥ ฿ US$ C$ A$ ₺ ₹ ৳ ₩ Mex$ ₣ E£",
  }).flatMap(([norm, texts]) => texts.split(" ").map((text) => [text, norm] as const)),
);

/** The number by which spaCy knows a text: a fixed one for its own symbols, else a hash. */
export function numberOfText(text: string): bigint {
  return SYMBOL_NUMBERS.get(text) ?? hashText(text);
}

/** The norm of a word outside special cases: the model's, spaCy's own, or lower case. */
export function normOf(text: string, norms: ReadonlyMap<string, string>): string {
  return norms.get(numberOfText(text).toString()) ?? BASE_NORMS.get(text) ?? text.toLowerCase();
}

/** The word's outline: "Xxxxx" for "Women", "dddxx" for "260ml". */
export function shapeOf(text: string): string {
  let shape = "";
  let last = "";
  let run = 0;
  let length = 0;
  for (const character of text) {
    if (++length >= LONG) return "LONG";
    const mark = shapeOfCharacter(character);
    run = mark === last ? run + 1 : 1;
    last = mark;
    if (run <= RUN) shape += mark;
  }
  return shape;
}

/** The first character. */
export function prefixOf(text: string): string {
  return String.fromCodePoint(text.codePointAt(0)!);
}

/** The last three characters. */
export function suffixOf(text: string): string {
  const end = text.slice(-6);
  const characters = [...end];
  // A cut through a pair leaves half a character, which is never among the last three.
  return characters.slice(-3).join("");
}

/** Whether every character is white space to Python. */
export function isWhite(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isSpace(text.charCodeAt(i))) return false;
  return text !== "";
}
