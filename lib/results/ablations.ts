import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readJson } from "../base/index.js";
import { type Comparison, comparePairs } from "./comparisons.js";
import type { MainResult, StudyShop } from "./main-results.js";
import {
  type EpisodeResult,
  recordsWhere,
  type RunRecord,
  runsFolder,
  summarize,
  type Summary,
} from "../records/index.js";
import { expandSweep, trainingKey } from "../runs/index.js";

/** Where sweeps are described. */
export const sweepsFolder = "configs/sweeps";

/** One variant of an ablation: empty where its records are missing, so that a table can say so. */
export interface AblationVariant {
  /** As its records name it: `thesis:size=9:perTask=1:epochs=3`. */
  readonly variant: string;
  /** Its name in the sweep's file, where it has one. */
  readonly named: string | null;
  /** The settings in which it differs, by their path. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The settings that its name stands for. */
  readonly change: readonly string[];
  readonly seeds: readonly number[];
  /** One record a seed, in the seeds' order; those that there are. */
  readonly records: readonly RunRecord[];
  /** Over all seeds; null while a record is missing. */
  readonly summary: Summary | null;
}

/** A sweep of trainings, with what is known of its variants. */
export interface Ablation {
  readonly name: string;
  /** The command that makes what is missing. */
  readonly command: string;
  readonly variants: readonly AblationVariant[];
}

/**
 * Every sweep of trainings in a folder with its records on the test goals of a shop.
 * @throws InputError when a file there is no sweep, or a record is not what it claims to be
 */
export function ablations(shop: StudyShop, runs = runsFolder, folder = sweepsFolder): Ablation[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const records = recordsWhere({ split: "test", data: shop.fingerprint, firstGoal: shop.test.first }, runs);
  return files.sort().flatMap((name): Ablation[] => {
    const file = join(folder, name);
    const sweep = expandSweep(readJson(file, "sweep"), file);
    if (sweep.variants.every(({ config }) => config["kind"] === "evaluate")) return [];
    const command = `npx aisle sweep ${folder}/${name}`;
    const goals = Math.min(sweep.testGoals ?? 0, shop.test.count);
    const variants = sweep.variants.map(({ config, seeds, ...known }): AblationVariant => {
      const training = trainingKey(config);
      const own = seeds.flatMap(
        (seed) =>
          records.find(
            ({ identity }) =>
              identity.agent.name === known.variant &&
              identity.agent.settings["training"] === training &&
              identity.seeds.join() === String(seed) &&
              identity.goals.count === goals,
          ) ?? [],
      );
      const results: EpisodeResult[] = own.flatMap((record) => record.results);
      const whole = own.length === seeds.length && seeds.length > 0;
      return { ...known, seeds, records: own, summary: whole ? summarize(results) : null };
    });
    return [{ name: sweep.name, command, variants }];
  });
}

/**
 * Each whole variant of an ablation against its first, goal by goal: the effect of the one change. All tests are one family for
 * Holm's correction; without the first's records there is nothing to compare with.
 */
export function ablationComparisons(ablation: Ablation): Comparison[] {
  const results = asResults(ablation);
  const first = ablation.variants[0]?.variant;
  if (first === undefined || results.every(({ agent }) => agent !== first)) return [];
  return comparePairs(
    results,
    results.filter(({ agent }) => agent !== first).map(({ agent }) => [agent, first] as const),
  );
}

/** The whole variants as results that can be compared: one record of all seeds, of which nothing is read but its episodes. */
export function asResults({ variants }: Ablation): MainResult[] {
  return variants
    .filter(({ summary }) => summary !== null)
    .map(({ variant, seeds, records, summary }) => ({
      agent: variant,
      seeds,
      start: null,
      record: { ...records[0]!, results: records.flatMap((record) => record.results) },
      summary,
    }));
}
