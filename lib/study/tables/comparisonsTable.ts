import * as aq from "arquero";
import { comparisons } from "../comparisons.js";
import type { MainResult } from "../mainResults.js";
import { agentStyle } from "../style/index.js";
import type { TableDocument } from "./document.js";
import { oneDecimal, pValue } from "./numbers.js";

/** Every pair of agents: difference in points, corrected p-value, effect sizes. */
export function comparisonsTable(results: readonly MainResult[]): TableDocument {
  const table = aq.from(
    comparisons(results).map((c) => ({
      ...c,
      pair: `${agentStyle(c.a).label} − ${agentStyle(c.b).label}`,
    })),
  );
  return {
    name: "comparisons",
    sections: [
      {
        heading: "",
        table,
        columns: [
          { title: "Pair", align: "left", text: (row) => String(row["pair"]) },
          { title: "Points", align: "right", text: (row) => oneDecimal(row["difference"] as number) },
          {
            title: "p (Holm)",
            align: "right",
            text: (row) => pValue(row["adjusted"] as number),
            latex: (row) => `$${pValue(row["adjusted"] as number)}$`,
          },
          { title: "Cohen's d", align: "right", text: (row) => (row["dz"] as number).toFixed(2) },
          { title: "Cliff's delta", align: "right", text: (row) => (row["delta"] as number).toFixed(2) },
        ],
      },
    ],
    notes: [],
  };
}
