/**
 * Episodes described column by column, as one looks at data before averaging them. This is danfojs's `describe`, which
 * arquero has no counterpart of; it is loaded only here, because loading it takes about a second.
 */
import * as aq from "arquero";
import type { EpisodeResult } from "../records/index.js";
import type { ColumnFormat, TableDocument } from "./tables/document.js";

/** The described quantities, in the order of the table: null where it does not apply to an episode. */
const COLUMNS: readonly (readonly [title: string, of: (result: EpisodeResult) => number | null])[] = [
  ["reward", (r) => r.reward],
  ["bought", (r) => Number(r.bought)],
  ["type", (r) => r.rType],
  ["attributes", (r) => r.rAtt],
  ["options", (r) => r.rOption],
  ["price", (r) => r.rPrice],
  ["steps", (r) => r.steps],
  ["attributes asked for", (r) => r.attributes],
  ["options asked for", (r) => r.options],
];

const STATISTICS = ["count", "mean", "std", "min", "median", "max"] as const;

/**
 * Count, mean, standard deviation (n − 1), least, median and most of every number that episodes have.
 * The parts of a reward count only the episodes that they apply to; a column without any is left out.
 */
export async function describeEpisodes(results: readonly EpisodeResult[]): Promise<TableDocument> {
  const { DataFrame } = await import("danfojs-node");
  const rows = COLUMNS.flatMap(([title, of]) => {
    // One column at a time: a gap would make every statistic of danfojs NaN.
    const values = results.map(of).filter((value) => value !== null);
    if (values.length === 0) return [];
    const described = new DataFrame({ [title]: values }).describe();
    const column = described.values.map((row) => Number((row as unknown[])[0]));
    const at = (name: string): number => column[described.index.indexOf(name)]!;
    // of a single value there is no deviation, and danfojs gives none
    return [
      {
        title,
        ...Object.fromEntries(
          STATISTICS.map((name) => [name, values.length === 1 && name === "std" ? 0 : at(name)]),
        ),
      },
    ];
  });
  const number = (name: (typeof STATISTICS)[number]): ColumnFormat => ({
    title: name,
    align: "right",
    text: (row) => {
      const value = row[name] as number;
      return Number.isInteger(value) ? String(value) : value.toFixed(3);
    },
  });
  return {
    name: "described",
    sections: [
      {
        heading: "",
        table: aq.from(rows),
        columns: [
          { title: "of an episode", align: "left", text: (row) => String(row["title"]) },
          ...STATISTICS.map(number),
        ],
      },
    ],
    notes: [],
  };
}
