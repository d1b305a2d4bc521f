/** Text as a model wrote it, each token on the colour of what training does to it. */

/** One token to be drawn. */
export interface DrawnToken {
  readonly text: string;
  /** Positive: becomes more likely (blue). Negative: less (orange). The colour is full at ±1. */
  readonly push: number;
  /** Said when the pointer rests on it. */
  readonly title?: string;
  /** Drawn with a line through: the clip has stopped it. */
  readonly clipped?: boolean;
}

/** A line of tokens as HTML, with the same letters and colours everywhere and in light and dark pages. */
export function tokenHtml(tokens: readonly DrawnToken[]): string {
  const spans = tokens.map(({ text, push, title, clipped }) => {
    const strength = Math.min(1, Math.abs(push));
    const [r, g, b] = push >= 0 ? [0, 114, 178] : [213, 94, 0];
    const style = [
      `background:rgba(${r},${g},${b},${(0.75 * strength).toFixed(3)})`,
      "border-radius:3px",
      "padding:1px 1px",
      "margin-right:1px",
      "white-space:pre",
      ...(clipped ? ["text-decoration:line-through"] : []),
    ].join(";");
    const shown = escapeHtml(text.replace(/\n/g, "⏎"));
    return `<span style="${style}"${title === undefined ? "" : ` title="${escapeHtml(title)}"`}>${shown}</span>`;
  });
  return `<span style="font-family:monospace;line-height:1.9">${spans.join("")}</span>`;
}

/** A table of HTML cells; those of the columns in `right` stand to the right. */
export function htmlTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string {
  const cell = (tag: "td" | "th", text: string, i: number): string =>
    `<${tag} style="text-align:${right.includes(i) ? "right" : "left"};vertical-align:top">${text}</${tag}>`;
  const line = (tag: "td" | "th", cells: readonly string[]): string =>
    `<tr>${cells.map((text, i) => cell(tag, text, i)).join("")}</tr>`;
  return `<table><thead>${line("th", head)}</thead><tbody>${rows.map((row) => line("td", row)).join("")}</tbody></table>`;
}

/** Text for HTML: nothing in it is markup any more. */
export function escapeHtml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
