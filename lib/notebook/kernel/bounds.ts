/** How much a cell may print: a loop without end would fill the notebook, the browser and the memory. */
import { StreamText } from "../stream-text.js";

/** Characters of one stream that a cell shows whole, and those of its end that are shown when it has printed more. */
const WHOLE = 1 << 20;
const END = 10_000;

/** One stream of one cell. */
export class BoundedStream {
  private shown: StreamText | undefined = new StreamText();
  private end = "";
  private hidden = 0;

  /** The part of the next piece that is to be shown now. */
  take(piece: string): string {
    if (this.shown === undefined) {
      this.hide(piece);
      return "";
    }
    const before = this.shown.length;
    this.shown.add(piece);
    // What a carriage return has erased does not count: a progress line may go on for days.
    if (this.shown.length <= WHOLE) return piece;
    this.shown = undefined;
    const cut = safeCut(piece, Math.max(0, WHOLE - before));
    this.hide(piece.slice(cut));
    return (
      `${piece.slice(0, cut)}\n[This cell has printed ${group(WHOLE)} characters. What follows is left out, ` +
      `but for its end, which is shown when the cell ends.]\n`
    );
  }

  /** The text to be shown when the cell ends. */
  finish(): string {
    if (this.hidden === 0) return "";
    let end = this.end.slice(safeCut(this.end, Math.max(0, this.end.length - END)));
    const line = end.indexOf("\n");
    if (end.length < this.hidden && line >= 0 && line < end.length - 1) end = end.slice(line + 1);
    const left = this.hidden - end.length;
    this.hidden = 0;
    this.end = "";
    return `${left > 0 ? `[${group(left)} characters are left out here.]\n` : ""}${end}`;
  }

  private hide(piece: string): void {
    this.hidden += piece.length;
    this.end += piece;
    if (this.end.length > 8 * END) this.end = this.end.slice(safeCut(this.end, this.end.length - END));
  }
}

/** A cut that parts no pair of surrogates. */
function safeCut(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return at > 0 && code >= 0xdc00 && code < 0xe000 ? at - 1 : at;
}

function group(count: number): string {
  return count.toLocaleString("en-US");
}
