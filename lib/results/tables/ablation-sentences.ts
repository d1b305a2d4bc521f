/** Sentences about ablations, written from their records: which change made a difference, and which did not. */
import { type Ablation, ablationComparisons, asResults } from "../ablations.js";
import { comparePairs, type Pair } from "../comparisons.js";
import { latexText } from "./latex-text.js";
import { comparisonSentences } from "./sentences.js";
import { sweepBase, variantLabel } from "./training-tables.js";

/** The sweep of the earlier thesis's sampling. */
const MARGINALS = "marginals";

const BEGINNINGS = {
  better: "Ahead beyond chance in both measures is",
  "partly better": "Ahead in one measure beyond chance, and open in the other, is",
  even: "Differences that chance could make:",
  mixed: "Ahead in one measure and behind in the other, both beyond chance, is",
  "partly worse": "Behind in one measure beyond chance, and open in the other, is",
  worse: "Behind beyond chance in both measures is",
} as const;

/** A paragraph for each sweep; one without records says so. */
export function ablationParagraphs(ablations: readonly Ablation[]): string {
  const paragraphs = ablations.map((ablation) => {
    const compared =
      ablation.name === MARGINALS ? marginalComparisons(ablation) : ablationComparisons(ablation);
    const base = latexText(sweepBase(ablation.variants));
    const name = `sweep \\emph{${latexText(ablation.name)}} of ${base}`;
    if (compared.length === 0) return `Of the ${name} there are not enough records yet to compare anything.`;
    const labels = new Map(ablation.variants.map((one) => [one.variant, latexText(variantLabel(one))]));
    const first = ablation.variants[0]!.variant;
    const said = comparisonSentences(
      compared,
      ({ a, b }) =>
        b === first && ablation.name !== MARGINALS
          ? labels.get(a)!
          : `${labels.get(a)!} against ${labels.get(b)!}`,
      BEGINNINGS,
    );
    return ablation.name === MARGINALS
      ? `In the ${name}, compared at equal numbers of trajectories: ${said}`
      : `In the ${name}, each variant compared with the first, ${labels.get(first)!}: ${said}`;
  });
  return [
    "% Generated from run records by `aisle tables`.",
    paragraphs.length > 0 ? paragraphs.join("\n\n") : "No ablation is described yet.",
    "",
  ].join("\n");
}

/** The comparisons of the sweep: marginals against one flat group of as many, and several optimiser steps against one. */
function marginalComparisons(ablation: Ablation) {
  const of = (g: number, m: number, i: number): string | undefined =>
    ablation.variants.find(
      ({ settings }) =>
        settings["groups.size"] === g && settings["groups.perTask"] === m && settings["update.epochs"] === i,
    )?.variant;
  const pairs: Pair[] = [];
  const ask = (a: string | undefined, b: string | undefined): void => {
    if (a !== undefined && b !== undefined) pairs.push([a, b]);
  };
  for (const i of [1, 3]) ask(of(3, 3, i), of(9, 1, i));
  for (const [g, m] of [
    [3, 1],
    [3, 3],
    [9, 1],
    [9, 3],
  ] as const) {
    ask(of(g, m, 3), of(g, m, 1));
  }
  return comparePairs(asResults(ablation), pairs);
}
