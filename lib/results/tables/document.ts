import type { ColumnTable } from "arquero";

/** A row of a table as arquero gives it. */
export type TableRow = Readonly<Record<string, unknown>>;

/** How one column is shown. */
export interface ColumnFormat {
  readonly title: string;
  readonly align: "left" | "right";
  /** The cell as plain text; Unicode is welcome. */
  readonly text: (row: TableRow) => string;
  /** The cell as LaTeX; default the plain text, escaped. */
  readonly latex?: (row: TableRow) => string;
}

/** A table ready to be shown anywhere: the data stay an arquero table, the columns say how to write them. */
export interface TableDocument {
  /** File name without extension. */
  readonly name: string;
  readonly sections: readonly {
    readonly heading: string;
    readonly columns: readonly ColumnFormat[];
    readonly table: ColumnTable;
  }[];
  /** Caveats, shown under the table; a mark comes before each where there is one. */
  readonly notes: readonly { readonly mark: string; readonly text: string }[];
}

/** The cells of a section as text, row by row. */
export function cellsOf(
  section: TableDocument["sections"][number],
  write: (column: ColumnFormat, row: TableRow) => string = (column, row) => column.text(row),
): string[][] {
  const rows = section.table.objects() as TableRow[];
  return rows.map((row) => section.columns.map((column) => write(column, row)));
}
