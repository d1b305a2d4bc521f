/** How well advantages agree with the values of decisions, from the judged decisions. */
import * as aq from "arquero";
import { agreement, agreementGain, type CreditRule, type JudgedFile } from "../../credit/index.js";
import type { Estimate } from "../../stats/index.js";
import type { ColumnFormat, TableDocument } from "./document.js";
import { latexText } from "./latex-text.js";

/** The compared settings: γ and ω vary with the size of the groups held, then the size. */
const RULES: readonly (readonly [label: string, rule: Omit<CreditRule, "reward">])[] = [
  ["ω = 0 (episodes alone)", { stepWeight: 0, gamma: 0.95, size: 8 }],
  ["ω = 1", { stepWeight: 1, gamma: 0.95, size: 8 }],
  ["ω = 4", { stepWeight: 4, gamma: 0.95, size: 8 }],
  ["ω = 1, γ = 1", { stepWeight: 1, gamma: 1, size: 8 }],
  ["ω = 1, γ = 0.8", { stepWeight: 1, gamma: 0.8, size: 8 }],
  ["ω = 0, groups of 16", { stepWeight: 0, gamma: 0.95, size: 16 }],
  ["ω = 1, groups of 16", { stepWeight: 1, gamma: 0.95, size: 16 }],
];

const correlation = ({ value, lo, hi }: Estimate, digits = 2): string =>
  `${value.toFixed(digits)} [${lo.toFixed(digits)}, ${hi.toFixed(digits)}]`;

/** Correlation with the true value of each rule, by either reward; a row that says so where no decisions were judged. */
export function valueTable(file: JudgedFile | null): TableDocument {
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
    latex: (row) =>
      latexText(String(row[field]))
        .replaceAll("ω", "$\\omega$")
        .replaceAll("γ", "$\\gamma$")
        .replace(/-(?=\d)/g, "$-$"),
  });
  return {
    name: "decision-values",
    sections: [
      {
        heading: "",
        table: aq.from(rows),
        columns: [
          column("Advantage", "label", "left"),
          column("Score", "score", "right"),
          column("Success", "success", "right"),
          column("Gain", "gain", "right"),
          column("Sign, %", "sign", "right"),
        ],
      },
    ],
    notes: [],
  };
}
