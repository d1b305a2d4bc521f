import { type Catalogue, defaultCatalogue, splitRanges } from "../simulator/index.js";
import { ablations } from "./ablations.js";
import { judgedOrNull } from "../credit/index.js";
import type { StudyData, TrainingCurve } from "./figures/index.js";
import { mainResults, type StudyShop } from "./main-results.js";
import { publishedResults } from "./published.js";
import { metricsOf, readProvenance, runsFolder, trainingRecords } from "../records/index.js";
import { sampleEpisode } from "./sample-episode.js";

/** The properties of a shop that the study uses. A `Catalogue` has all of it. */
export type ShopFacts = Pick<Catalogue, "fingerprint" | "size" | "goalCount">;

/** A shop as the study knows it. */
export function studyShop(catalogue: ShopFacts): StudyShop {
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
export function studyData(catalogue: ShopFacts | Catalogue, runs = runsFolder): StudyData {
  const shop = studyShop(catalogue);
  const results = mainResults(shop, runs);
  const episode = "search" in catalogue ? sampleEpisode(catalogue, results) : null;
  return {
    shop,
    results,
    published: publishedResults(),
    training: trainingCurves(shop, runs),
    ablations: ablations(shop, runs),
    episode,
    judged: judgedOrNull(),
  };
}

/** The records of reinforcement learning in a shop with their metrics. */
function trainingCurves(shop: StudyShop, runs: string): TrainingCurve[] {
  return trainingRecords(runs)
    .filter(
      ({ identity }) => identity.config["kind"] === "grpo" && identity.data.fingerprint === shop.fingerprint,
    )
    .map((record) => ({
      record,
      metrics: metricsOf(record),
      seconds: readProvenance(record.path)?.seconds ?? null,
    }));
}

/** `studyData` of the default shop, which is made first where there is none (seconds). */
export async function defaultStudyData(runs = runsFolder): Promise<StudyData> {
  const catalogue = await defaultCatalogue();
  try {
    return studyData(catalogue, runs);
  } finally {
    catalogue.close();
  }
}
