/** Characters of a value that a message quotes. */
const LONGEST = 80;

/** A value that somebody gave, as a message quotes it: JSON on one line, cut where it is long; `nothing` where none was given. */
export function quoted(value: unknown): string {
  let text: string;
  try {
    // BigInts and values that hold themselves have no JSON.
    text = value === undefined ? "nothing" : (JSON.stringify(value) ?? String(value));
  } catch {
    text = String(value);
  }
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}
