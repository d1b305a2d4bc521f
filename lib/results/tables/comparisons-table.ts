import * as aq from "arquero";
import { type Comparison, comparisons, learningComparisons } from "../comparisons.js";
import type { MainResult } from "../main-results.js";
import { agentStyle } from "../ladder.js";
import type { ColumnFormat, TableDocument } from "./document.js";
import { oneDecimal, pValue } from "./numbers.js";

/** Pairs of agents: differences in points of score and of success, corrected p-values, effect sizes of the score. */
export function comparisonsTable(results: readonly MainResult[]): TableDocument {
  const learned = learningComparisons(results);
  return {
    name: "comparisons",
    sections: [
      comparisonSection("", comparisons(results)),
      ...(learned.length > 0 ? [comparisonSection("After training", learned)] : []),
    ],
    notes: [],
  };
}

/** Comparisons as a section of a table. */
export function comparisonSection(
  heading: string,
  compared: readonly Comparison[],
): TableDocument["sections"][number] {
  const table = aq.from(
    compared.map(({ success, ...c }) => ({
      ...c,
      pair: `${agentStyle(c.a).label} − ${agentStyle(c.b).label}`,
      success_difference: success.difference,
      success_adjusted: success.adjusted,
    })),
  );
  return { heading, table, columns };
}

const points = (title: string, field: string): ColumnFormat => ({
  title,
  align: "right",
  text: (row) => oneDecimal(row[field] as number),
});

const pColumn = (title: string, field: string): ColumnFormat => ({
  title,
  align: "right",
  text: (row) => pValue(row[field] as number),
  latex: (row) => `$${pValue(row[field] as number)}$`,
});

const columns: readonly ColumnFormat[] = [
  { title: "Pair", align: "left", text: (row) => String(row["pair"]) },
  points("Score", "difference"),
  pColumn("p, score", "adjusted"),
  points("Success", "success_difference"),
  pColumn("p, success", "success_adjusted"),
  { title: "Cohen's d", align: "right", text: (row) => (row["dz"] as number).toFixed(2) },
  { title: "Cliff's delta", align: "right", text: (row) => (row["delta"] as number).toFixed(2) },
];
