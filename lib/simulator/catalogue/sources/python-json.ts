/** JSON as Python reads it, and so WebShop: its `json` module takes and writes NaN, Infinity and -Infinity. */

/** Stands for a number that JSON has no word for; no text of a shop begins like this. */
const MARK = "\u0000number ";
/** A string, which is passed over whole, or one of the words outside of any. */
const STRING_OR_WORD = /"[^"\\]*(?:\\.[^"\\]*)*"|-?Infinity|NaN/gs;

/**
 * Parses JSON, also with Python's three words for numbers; they become JavaScript's.
 * @throws SyntaxError as `JSON.parse` does
 */
export function parseAsPython(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // Rows without such words, which nearly all are, were parsed at full speed.
    if (!/NaN|Infinity/.test(text)) throw error;
    const marked = text.replace(STRING_OR_WORD, (part) =>
      part.startsWith('"') ? part : JSON.stringify(MARK + part),
    );
    if (marked === text) throw error;
    try {
      return JSON.parse(marked, (key, value: unknown) => {
        if (key.startsWith(MARK)) throw error; // {NaN: 1}
        return typeof value === "string" && value.startsWith(MARK) ? Number(value.slice(MARK.length)) : value;
      });
    } catch {
      throw error; // Something else is wrong as well, and its place in the file is the first one's.
    }
  }
}
