/** How well advantages agree with what decisions were really worth, from the judged decisions. */
import * as aq from "arquero";
import { agreement, agreementGain, type CreditRule, type JudgedFile } from "../credit/index.js";
import type { Estimate } from "../stats/index.js";
import type { ColumnFormat, TableDocument } from "./document.js";

/** What the table compares: γ and ω vary with the size of the groups held, then the size. */
const RULES: readonly (readonly [label: string, rule: Omit<CreditRule, "reward">])[] = [
  ["Episode level alone (ω = 0)", { stepWeight: 0, gamma: 0.95, size: 8 }],
  ["GiGPO, ω = 1", { stepWeight: 1, gamma: 0.95, size: 8 }],
  ["GiGPO, ω = 4", { stepWeight: 4, gamma: 0.95, size: 8 }],
  ["GiGPO, ω = 1, γ = 1", { stepWeight: 1, gamma: 1, size: 8 }],
  ["GiGPO, ω = 1, γ = 0.8", { stepWeight: 1, gamma: 0.8, size: 8 }],
  ["Episode level alone, groups of 16", { stepWeight: 0, gamma: 0.95, size: 16 }],
  ["GiGPO, ω = 1, groups of 16", { stepWeight: 1, gamma: 0.95, size: 16 }],
];

const correlation = ({ value, lo, hi }: Estimate, digits = 2): string =>
  `${value.toFixed(digits)} [${lo.toFixed(digits)}, ${hi.toFixed(digits)}]`;

/** Correlation with true worth of each rule, by either reward; a row that says so where no decisions were judged. */
export function worthTable(file: JudgedFile | null): TableDocument {
  const rows = file
    ? RULES.map(([label, rule]) => {
        const [score, success] = (["score", "success"] as const).map((reward) =>
          agreement(file.judged, { ...rule, reward }),
        );
        return {
          label,
          score: correlation(score!.correlation),
          success: correlation(success!.correlation),
          gain:
            rule.stepWeight === 0
              ? "–"
              : correlation(
                  agreementGain(
                    file.judged,
                    { ...rule, reward: "score" },
                    { ...rule, stepWeight: 0, reward: "score" },
                  ),
                  3,
                ),
          sign: `${(100 * score!.sign).toFixed(0)}`,
        };
      })
    : [
        {
          label: "no judged decisions: npx tsx bench/credit.ts",
          score: "–",
          success: "–",
          gain: "–",
          sign: "–",
        },
      ];
  const column = (title: string, field: string, align: "left" | "right"): ColumnFormat => ({
    title,
    align,
    text: (row) => String(row[field]),
  });
  return {
    name: "worth",
    sections: [
      {
        heading: "",
        table: aq.from(rows),
        columns: [
          column("Advantage", "label", "left"),
          column("Paid by score", "score", "right"),
          column("By success alone", "success", "right"),
          column("Gain by the step level", "gain", "right"),
          column("Sign right, %", "sign", "right"),
        ],
      },
    ],
    notes: [],
  };
}
