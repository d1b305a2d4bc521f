/** Printed text as a terminal shows it: after a carriage return the line is written anew, so a progress line leaves only its last state. */

/**
 * The text of one stream, taken in piece by piece. Each piece costs time in proportion to its own length, however long
 * the open last line has become.
 */
export class StreamText {
  private lines = "";
  private open = "";
  private returned = false;

  /** The shown text; a carriage return at the very end is kept for what may follow. */
  get text(): string {
    return this.lines + this.open + (this.returned ? "\r" : "");
  }

  /** The length of {@link text}, in UTF-16 units. */
  get length(): number {
    return this.lines.length + this.open.length + (this.returned ? 1 : 0);
  }

  /** Takes the next piece in. */
  add(piece: string): void {
    let [newline, carriage] = [-1, -1];
    for (let from = 0; from < piece.length;) {
      if (newline < from) newline = indexOrEnd(piece, "\n", from);
      if (carriage < from) carriage = indexOrEnd(piece, "\r", from);
      const end = Math.min(newline, carriage);
      if (end > from) {
        if (this.returned) this.open = "";
        this.returned = false;
        this.open += piece.slice(from, end);
      }
      if (end === piece.length) return;
      if (end === newline) {
        this.lines += `${this.open}\n`;
        this.open = "";
        this.returned = false;
      } else this.returned = true;
      from = end + 1;
    }
  }
}

/** A whole text as a terminal would show it. */
export function overwrite(text: string): string {
  const stream = new StreamText();
  stream.add(text);
  return stream.text;
}

function indexOrEnd(text: string, part: string, from: number): number {
  const index = text.indexOf(part, from);
  return index < 0 ? text.length : index;
}
