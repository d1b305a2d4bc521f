import { comparisons, learningComparisons } from "../comparisons.js";
import type { Facts } from "../quoted-facts.js";
import type { MainResult, StudyShop } from "../main-results.js";
import type { Published } from "../published.js";
import { bootstrapDefaults as defaults } from "../../stats/index.js";
import { latexId, latexNumber } from "./latex-text.js";
import { asPrinted, grouped, intervalText, oneDecimal, pValue } from "./numbers.js";

/**
 * Every number that the thesis may print, by name. `\score{rule}` reads `score/rule`; a name that is not here stops
 * LaTeX (thesis/aisle.sty), so a sentence cannot outlive its record.
 */
export function numbers(
  shop: StudyShop,
  results: readonly MainResult[],
  published: Published,
  facts: Facts = {},
): ReadonlyMap<string, string> {
  const all = new Map<string, string>([
    ["shop/products", grouped(shop.products)],
    ["shop/goals", grouped(shop.goals)],
    ["shop/test", grouped(shop.test.count)],
    ["shop/fingerprint", shop.fingerprint.slice(0, 12)],
    ["study/level", String(100 * defaults.level)],
    ["study/resamples", grouped(defaults.resamples)],
  ]);
  const played = results.find(({ record }) => record)?.record?.results ?? [];
  if (played.length > 0) {
    const fraction = played.filter(({ options }) => options > 0).length / played.length;
    all.set("shop/withoption", oneDecimal(100 * fraction));
  }
  for (const { agent, seeds, summary, record } of results) {
    if (!summary || !record) continue; // the missing number is then an error where it is used
    const percent = { rType: "type", rAtt: "attributes", rOption: "options", rPrice: "price" } as const;
    all.set(`score/${agent}`, oneDecimal(summary.score.value));
    all.set(`scoreci/${agent}`, intervalText(summary.score));
    all.set(`success/${agent}`, oneDecimal(summary.successRate.value));
    all.set(`successci/${agent}`, intervalText(summary.successRate));
    for (const part of ["rType", "rAtt", "rOption", "rPrice"] as const) {
      all.set(`part/${percent[part]}/${agent}`, oneDecimal(100 * summary.parts[part].value));
    }
    all.set(`steps/${agent}`, oneDecimal(summary.steps));
    all.set(`bought/${agent}`, oneDecimal(100 * summary.bought));
    all.set(`seeds/${agent}`, String(seeds.length));
    all.set(`record/${agent}`, latexId(record.id));
  }
  all.set("records/count", String(results.filter(({ record }) => record).length));
  const compared = [...comparisons(results), ...learningComparisons(results)];
  for (const { a, b, difference, adjusted, success, dz, delta } of compared) {
    all.set(`compare/${a}/${b}/difference`, latexNumber(oneDecimal(difference)));
    all.set(`compare/${a}/${b}/p`, pValue(adjusted));
    all.set(`compare/${a}/${b}/success`, latexNumber(oneDecimal(success.difference)));
    all.set(`compare/${a}/${b}/successp`, pValue(success.adjusted));
    all.set(`compare/${a}/${b}/dz`, latexNumber(dz.toFixed(2)));
    all.set(`compare/${a}/${b}/delta`, latexNumber(delta.toFixed(2)));
  }
  for (const [name, { text }] of Object.entries(facts)) all.set(`fact/${name}`, text);
  for (const result of published.results) {
    all.set(`published/score/${result.id}`, asPrinted(result.score));
    all.set(`published/success/${result.id}`, asPrinted(result.success));
  }
  return all;
}

/** `numbers` as a LaTeX file. */
export function numbersTex(all: ReadonlyMap<string, string>): string {
  const lines = [...all].map(([name, text]) => `\\aislenumber{${name}}{${text}}`);
  return ["% Generated from run records by `aisle tables`: no number is typed here.", ...lines, ""].join(
    "\n",
  );
}
