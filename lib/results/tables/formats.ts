import * as aq from "arquero";
import { latexNumber, latexText } from "./latex-text.js";
import { cellsOf, type TableDocument } from "./document.js";

/**
 * A section's cells as an arquero table of text whose column names are the titles.
 * @throws RangeError for two columns of one title: the second would stand in for both
 */
function textTable(section: TableDocument["sections"][number]): aq.ColumnTable {
  const titles = section.columns.map(({ title }) => title);
  const twice = titles.find((title, c) => titles.indexOf(title) !== c);
  if (twice !== undefined) throw new RangeError(`Two columns of a table are called "${twice}".`);
  const cells = cellsOf(section);
  return aq.table(
    section.columns.map((column, c) => [column.title, cells.map((row) => row[c]!)] as [string, string[]]),
  );
}

function alignments(section: TableDocument["sections"][number]): Record<string, "l" | "r"> {
  return Object.fromEntries(section.columns.map(({ title, align }) => [title, align === "left" ? "l" : "r"]));
}

/** Markdown, for the README and for GitHub. */
export function toMarkdown(document: TableDocument): string {
  const parts = document.sections.flatMap((section) => {
    const table = textTable(section)
      .toMarkdown({ limit: Infinity, align: alignments(section) })
      .trim();
    return [...(section.heading ? [`**${section.heading}**`] : []), table];
  });
  const notes = document.notes.map(({ mark, text }) => `${mark ? `<sup>${mark}</sup> ` : ""}${text}`);
  return `${[...parts, ...(notes.length > 0 ? [notes.join("<br>\n")] : [])].join("\n\n")}\n`;
}

/** HTML, for a notebook's cell: `tslab.display.html(toHtml(table))`. */
export function toHtml(document: TableDocument): string {
  const parts = document.sections.flatMap((section) => {
    const html = textTable(section).toHTML({ limit: Infinity, align: alignments(section) });
    return [...(section.heading ? [`<p><b>${escapeHtml(section.heading)}</b></p>`] : []), html];
  });
  const notes = document.notes.map(
    ({ mark, text }) => `<p><small><sup>${escapeHtml(mark)}</sup> ${escapeHtml(text)}</small></p>`,
  );
  return [...parts, ...notes].join("\n");
}

/** Aligned text, for the terminal. */
export function toText(document: TableDocument): string {
  const lines = document.sections.flatMap((section) => {
    const cells = [section.columns.map((column) => column.title), ...cellsOf(section)];
    const widths = section.columns.map((_, c) => Math.max(...cells.map((row) => [...row[c]!].length)));
    const written = cells.map((row) =>
      row
        .map((cell, c) => {
          const space = " ".repeat(widths[c]! - [...cell].length);
          return section.columns[c]!.align === "left" ? cell + space : space + cell;
        })
        .join("  ")
        .trimEnd(),
    );
    const rule = "─".repeat(widths.reduce((a, b) => a + b + 2, -2));
    return [...(section.heading ? [section.heading] : []), written[0]!, rule, ...written.slice(1), ""];
  });
  const notes = document.notes.map(({ mark, text }) => (mark ? `(${mark}) ${text}` : text));
  return `${[...lines, ...notes].join("\n").trimEnd()}\n`;
}

/** A booktabs tabular with its notes below, for `\input` inside a table environment. */
export function toLatex(document: TableDocument): string {
  const first = document.sections[0]!;
  const width = Math.max(...document.sections.map((section) => section.columns.length));
  const spec = first.columns.map(({ align }) => (align === "left" ? "l" : "r")).join("");
  const body = document.sections.flatMap((section, index) => {
    const head = section.columns.map(({ title }) => latexText(title)).join(" & ");
    const rows = cellsOf(section, (column, row) => column.latex?.(row) ?? latexCell(column.text(row)));
    return [
      ...(index > 0 ? ["\\midrule"] : []),
      ...(section.heading
        ? [`\\multicolumn{${width}}{@{}l}{\\emph{${latexText(section.heading)}}} \\\\`]
        : []),
      `${head} \\\\`,
      "\\midrule",
      ...rows.map((cells) => `${cells.join(" & ")} \\\\`),
    ];
  });
  const notes = document.notes.map(
    ({ mark, text }) => `${mark ? `\\textsuperscript{${mark}}\\,` : ""}${latexText(text)}`,
  );
  return [
    "% Generated from run records by `aisle tables`: edit lib/results/tables, not this file.",
    `\\begin{tabular}{@{}${spec}@{}}`,
    "\\toprule",
    ...body,
    "\\bottomrule",
    "\\end{tabular}",
    ...(notes.length > 0 ? ["", `\\tablenotes{${notes.join("\\\\\n")}}`] : []),
    "",
  ].join("\n");
}

/** A cell: a number with its minus sign, or text. */
function latexCell(text: string): string {
  return /^-[\d.]+$/.test(text) ? latexNumber(text) : latexText(text);
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
