/** The record of an evaluation: an agent's episodes on the goals of a split. */
import { z } from "zod";
import {
  foldersOf,
  type KeptRecord,
  readKind,
  type RecordKind,
  type WriteOutcome,
  writeKind,
} from "../envelope.js";
import { placesFrom } from "../places.js";
import { provenance } from "../provenance.js";
import { scoreAndSuccess } from "../summary.js";
import { columnsOf, type EpisodeResult, fromRows, toRows } from "./episode-rows.js";

const count = z.int().nonnegative();

/** Everything that decides the numbers of an evaluation. Two evaluations with the same identity have the same results. */
export const evaluationIdentity = z.strictObject({
  kind: z.literal("evaluation"),
  /** Raised when evaluation itself changes its meaning: older records then no longer match. */
  protocol: z.literal(1),
  agent: z.strictObject({ name: z.string().min(1), settings: z.record(z.string(), z.unknown()) }),
  data: z.strictObject({ fingerprint: z.string().min(1), products: count, goals: count }),
  environment: z.record(z.string(), z.unknown()),
  split: z.enum(["test", "dev", "train"]),
  /** Goals `first … first + count − 1`. */
  goals: z.strictObject({ first: count, count: count.min(1) }),
  seeds: z.array(z.int()).min(1),
  /** Per seed, the model that acted; empty for agents without one. */
  models: z.array(z.strictObject({ name: z.string(), fingerprint: z.string() })),
  /** The tensor backend that computed the model's numbers; "none" for agents without one. */
  backend: z.string(),
});

export type EvaluationIdentity = z.infer<typeof evaluationIdentity>;

const schema = z.strictObject({
  identity: evaluationIdentity,
  results: z.strictObject({
    columns: z.array(z.string()),
    rows: z.array(z.array(z.number().nullable())),
  }),
});

interface Evaluated {
  readonly identity: EvaluationIdentity;
  /** Every goal of every seed once, in this order. */
  readonly results: readonly EpisodeResult[];
}

/** A record of an evaluation that was read and found to be what it claims. */
export type RunRecord = KeptRecord<Evaluated>;

/** The content of a record of an evaluation. */
export interface RecordContent extends Evaluated {
  /** Further files, by name. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Wall time of the run in seconds, for `provenance.json`. */
  readonly seconds: number;
  /** The tagger of the nouns that the reward compares, for `provenance.json`. */
  readonly tagger?: string;
}

export const evaluationKind: RecordKind<z.infer<typeof schema>, Evaluated> = {
  kind: "evaluation",
  noun: "run record",
  remedy: "run again",
  schema,
  idOf: ({ agent, split }, key) => {
    const name = agent.name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-+|-+$/g, "");
    return `${name || "agent"}-${split}-${key.slice(0, 10)}`;
  },
  toStored: ({ identity, results }) => ({
    identity,
    results: { columns: [...columnsOf(results)], rows: toRows(results) },
  }),
  fromStored: ({ identity, results: { columns, rows } }) => {
    const results = fromRows(columns, rows);
    const missing = uncovered(identity, results);
    if (missing) throw new Error(missing);
    return { identity, results };
  },
  lineOf: ({ identity, results }) => {
    const { score, successRate } = scoreAndSuccess(results);
    const of = `${identity.split}, ${identity.goals.count} goals × ${identity.seeds.length} seeds`;
    return `${score.toFixed(1).padStart(5)} ${successRate.toFixed(1).padStart(5)} %  ${of}`;
  },
};

/**
 * Writes the record of an evaluation (`writeKind`).
 * @throws RunError when the folder cannot be written
 */
export function writeRecord(
  { identity, results, files = {}, seconds, tagger }: RecordContent,
  place: string,
): { record: RunRecord; outcome: WriteOutcome } {
  const enclosed = { files: new Map(Object.entries(files)), provenance: () => provenance(seconds, tagger) };
  return writeKind(evaluationKind, { identity, results }, enclosed, place);
}

/** @throws InputError naming the folder and what does not hold */
export function readRecord(path: string): RunRecord {
  return readKind(evaluationKind, path);
}

/** The folders of evaluations' records in a place, by default in all; in order of id. */
export function recordFolders(place?: string): string[] {
  return foldersOf(evaluationKind.kind, placesFrom(place));
}

/** Why the results are not exactly the goals × seeds of the identity, or "". */
function uncovered(identity: EvaluationIdentity, results: readonly EpisodeResult[]): string {
  const { goals, seeds } = identity;
  const expected = goals.count * seeds.length;
  if (results.length !== expected) return `it has ${results.length} results instead of ${expected}`;
  for (const [i, result] of results.entries()) {
    const seed = seeds[Math.floor(i / goals.count)];
    const goal = goals.first + (i % goals.count);
    if (result.seed !== seed || result.goal !== goal) {
      return `row ${i + 1} of its results should be goal ${goal} with seed ${seed}`;
    }
  }
  return "";
}
