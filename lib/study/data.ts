import { type Catalogue, splitRanges } from "../simulator/index.js";
import type { StudyData } from "./figures/index.js";
import { mainResults, type StudyShop } from "./mainResults.js";
import { publishedResults } from "./published.js";
import { runsFolder } from "./records/index.js";

/** A shop as the study knows it. */
export function studyShop(catalogue: Catalogue): StudyShop {
  const { start, end } = splitRanges(catalogue.goalCount).test;
  return {
    fingerprint: catalogue.fingerprint,
    products: catalogue.size,
    goals: catalogue.goalCount,
    test: { first: start, count: end - start },
  };
}

/**
 * Everything that tables and figures are made from: the records that belong to this shop, and the published numbers.
 * @throws InputError when a record is not what it claims to be
 */
export function studyData(catalogue: Catalogue, runs = runsFolder): StudyData {
  const shop = studyShop(catalogue);
  return { shop, results: mainResults(shop, runs), published: publishedResults() };
}
