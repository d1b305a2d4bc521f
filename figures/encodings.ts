/** Layers and encodings of Vega-Lite that several figures have. */

/** A position that is a number. */
interface Position {
  readonly field: string;
  readonly type: "quantitative";
}

/** A field whose values are colours, dashes or shapes themselves. */
export const asIs = (field: string) => ({ field, type: "nominal" as const, scale: null });

/** Lines with the bands of their intervals, one for each name. Rows: lo, hi, value, name, colour, dash. */
export function bandsAndLines<Rows extends { readonly data?: { readonly values: readonly object[] } }>(
  x: Position,
  y: (field: string) => Position,
  opacity: number,
  own: Rows,
) {
  const each = { color: asIs("colour"), detail: { field: "name" } };
  return [
    {
      ...own,
      mark: { type: "area" as const, opacity },
      encoding: { x, y: y("lo"), y2: { field: "hi" }, ...each },
    },
    {
      ...own,
      mark: { type: "line" as const },
      encoding: { x, y: y("value"), ...each, strokeDash: asIs("dash") },
    },
  ];
}

/** Names beside the ends of lines. Rows: height, ink, label. */
export function endLabels<Row extends object>(
  values: readonly Row[],
  x: Position,
  y: (field: string) => Position,
) {
  return {
    data: { values: [...values] },
    mark: { type: "text" as const, align: "left" as const, dx: 6 },
    encoding: {
      x,
      y: y("height"),
      color: asIs("ink"),
      text: { field: "label", type: "nominal" as const },
    },
  };
}

/** A row for each label, also where there is no number to show; the first of several panels has the labels, `width` wide. */
export function labelledRows(rows: readonly { readonly label: string }[], width: number, first: boolean) {
  return {
    field: "label",
    type: "nominal" as const,
    scale: { domain: rows.map((row) => row.label) },
    title: null,
    axis: first
      ? { minExtent: width, maxExtent: width, labelLimit: width, ticks: false, domain: false }
      : null,
  };
}
