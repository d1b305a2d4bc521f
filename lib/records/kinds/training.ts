/** The record of a training run: its configuration, what it began from, its metrics, and its model where that is small. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError } from "../../base/index.js";
import {
  foldersOf,
  type KeptRecord,
  readKind,
  type RecordKind,
  type WriteOutcome,
  writeKind,
} from "../envelope.js";
import { placesFrom } from "../places.js";
import type { Provenance } from "../provenance.js";

const count = z.int().nonnegative();

/** The shop, the model and the backend of a run: with the configuration, all that decides its numbers. */
export const foundations = z.strictObject({
  data: z.strictObject({ fingerprint: z.string().min(1), products: count, goals: count }),
  /** The model that was trained from here. */
  start: z.strictObject({ name: z.string().min(1), fingerprint: z.string().min(1) }),
  backend: z.string().min(1),
  /** SHA-256 of the plugins that were loaded, by the names of their files. */
  plugins: z.record(z.string(), z.string()).optional(),
});

export type Foundations = z.infer<typeof foundations>;

/** Which model of a run is kept: the one after the last iteration, or the one with the best score on the dev goals. */
export const KEPT = ["last", "best"] as const;

const identity = z.strictObject({
  kind: z.literal("training"),
  /** Raised when training itself changes its meaning. */
  version: z.literal(1),
  /** The family: agents are named by it. */
  name: z.string().min(1),
  seed: count,
  /** The resolved configuration, whole; its `kind` says which kind of run it was. */
  config: z.looseObject({ kind: z.string().min(1) }),
  ...foundations.shape,
  kept: z.enum(KEPT),
});

export type TrainingIdentity = z.infer<typeof identity>;

const schema = z.strictObject({
  identity,
  /** The iteration whose model is kept. */
  iteration: count,
  /** Where the model lies instead, in a folder that comes with the project. */
  model: z.strictObject({ folder: z.string().min(1), fingerprint: z.string().min(1) }).optional(),
});

type Trained = z.infer<typeof schema>;

/** A training record that was read and found to be what it claims. A record without `model/…` was too large to keep its model. */
export type TrainingRecord = KeptRecord<Trained>;

export const trainingKind: RecordKind<Trained, Trained> = {
  kind: "training",
  noun: "training record",
  remedy: "train again",
  schema,
  idOf: ({ name, seed }, key) => `train-${name.replace(/[^a-z0-9]+/g, "-")}-${seed}-${key.slice(0, 10)}`,
  toStored: (content) => content,
  fromStored: (stored) => stored,
  lineOf: ({ identity: { config, kept, backend }, iteration }) =>
    `${config.kind}, iteration ${iteration} (${kept}), ${backend}`,
};

/** Where a record keeps its model, or null where it was too large. */
export function modelOf(record: TrainingRecord): string | null {
  if (record.model) return record.model.folder;
  const held = Object.keys(record.files).some((name) => name.startsWith("model/"));
  return held ? join(record.path, "model") : null;
}

/**
 * Writes a training record (`writeKind`).
 * @param content `files`: contents by path
 * @throws RunError when the folder cannot be written
 */
export function writeTrainingRecord(
  {
    files,
    provenance,
    ...content
  }: Trained & {
    readonly files: ReadonlyMap<string, Uint8Array>;
    readonly provenance: Provenance;
  },
  place: string,
): { record: TrainingRecord; outcome: WriteOutcome } {
  return writeKind(trainingKind, content, { files, provenance: () => provenance }, place);
}

/** @throws InputError naming the folder and what does not hold */
export function readTrainingRecord(path: string): TrainingRecord {
  return readKind(trainingKind, path);
}

/**
 * The training records of a place, by name and seed; by default of all places, where one's own run of a name and seed hides a
 * committed one.
 * @throws InputError when one is not what it claims to be (it is refused, not passed over), or a place has two of one name and seed
 */
export function trainingRecords(place?: string): TrainingRecord[] {
  const found = new Map<string, TrainingRecord>();
  for (const one of placesFrom(place)) {
    const here = new Set<string>();
    for (const record of foldersOf(trainingKind.kind, [one]).map(readTrainingRecord)) {
      const { name, seed } = record.identity;
      const called = `${name} with seed ${seed}`;
      if (here.has(called)) {
        throw new InputError(
          `There are two training records of ${called} in ${one}: delete the one that is out of date.`,
        );
      }
      here.add(called);
      if (!found.has(called)) found.set(called, record);
    }
  }
  return [...found.values()].sort(
    (a, b) =>
      (a.identity.name < b.identity.name ? -1 : a.identity.name > b.identity.name ? 1 : 0) ||
      a.identity.seed - b.identity.seed,
  );
}

/** The metrics of a record's run, oldest first. */
export function metricsOf(record: TrainingRecord): Record<string, number>[] {
  const file = join(record.path, "metrics.jsonl");
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, number>);
}
