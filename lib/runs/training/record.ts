/**
 * A training record is a folder `data/runs/train-<name>-<seed>-<first digits of its key>/`:
 *
 * - `training.json`: what was run (`identity`), which of its models is kept, and the SHA-256 of every other file;
 * - `metrics.jsonl`: every iteration's metrics;
 * - `model/`: the kept model in bfloat16 with its tokenizer, or its adapter, where the weights take at most 8 MB;
 * - `provenance.json`: commit, machine and seconds, outside of every checksum.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { checked, InputError, readJson } from "../../base/index.js";
import {
  jsonText,
  keyOf,
  type Provenance,
  runsFolder,
  sha256,
  type WriteOutcome,
  writeFolderWhole,
} from "../../records/index.js";
import { foundations } from "./origin.js";

const digest = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits");

/** Which model of a run is kept: the one after the last iteration, or the one with the best score on the dev goals. */
export const KEPT = ["last", "best"] as const;

const identity = z.strictObject({
  kind: z.literal("training"),
  /** Raised when training itself changes its meaning. */
  version: z.literal(1),
  /** The family: agents are named by it. */
  name: z.string().min(1),
  seed: z.int().nonnegative(),
  /** The resolved configuration, whole. */
  config: z.record(z.string(), z.unknown()),
  ...foundations.shape,
  kept: z.enum(KEPT),
});

export type TrainingIdentity = z.infer<typeof identity>;

const schema = z.strictObject({
  format: z.literal(1),
  id: z.string().min(1),
  key: digest,
  identity,
  /** The iteration whose model is kept. */
  iteration: z.int().nonnegative(),
  /** SHA-256 of the record's files, by path; a record without `model/…` was too large to keep its model. */
  files: z.record(z.string().regex(/^(model\/)?[A-Za-z0-9][A-Za-z0-9._-]*$/), digest),
});

/** A training record that was read and found to be what it claims. */
export interface TrainingRecord extends z.infer<typeof schema> {
  readonly path: string;
}

const FILE = "training.json";

/** A record's id: its family and seed, unique by the key's first digits. */
export function trainingId({ name, seed }: TrainingIdentity, key: string): string {
  return `train-${name.replace(/[^a-z0-9]+/g, "-")}-${seed}-${key.slice(0, 10)}`;
}

/** Where a record keeps its model. */
export function modelOf(record: TrainingRecord): string | null {
  const held = Object.keys(record.files).some((name) => name.startsWith("model/"));
  return held ? join(record.path, "model") : null;
}

/**
 * Writes a record, whole or not at all; one that says the same already is not touched.
 * @param files contents by path
 * @throws RunError when the folder cannot be written
 */
export function writeTrainingRecord(
  content: {
    identity: TrainingIdentity;
    iteration: number;
    files: ReadonlyMap<string, Uint8Array>;
    provenance: Provenance;
  },
  root = runsFolder,
): { record: TrainingRecord; outcome: WriteOutcome } {
  const { iteration, files } = content;
  // As it will be read back: without undefined members.
  const plain = identity.parse(JSON.parse(JSON.stringify(content.identity)));
  const key = keyOf(plain);
  const id = trainingId(plain, key);
  const names = [...files.keys()].sort();
  const sums = Object.fromEntries(names.map((name) => [name, sha256(files.get(name)!)]));
  const text = jsonText({ format: 1, id, key, identity: plain, iteration, files: sums });
  const path = join(root, id);
  const known = existsSync(join(path, FILE));
  if (known && readFileSync(join(path, FILE), "utf8") === text) {
    return { record: readTrainingRecord(path), outcome: "same" };
  }
  writeFolderWhole(path, FILE, (part) => {
    mkdirSync(join(part, "model"), { recursive: true });
    for (const [name, bytes] of files) writeFileSync(join(part, name), bytes);
    writeFileSync(join(part, "provenance.json"), jsonText(content.provenance));
    writeFileSync(join(part, FILE), text);
  });
  return { record: readTrainingRecord(path), outcome: known ? "changed" : "new" };
}

/**
 * Reads a record and checks that it is what it claims: the schema, its key and folder, and every file's checksum.
 * @throws InputError naming the folder and what does not hold
 */
export function readTrainingRecord(path: string): TrainingRecord {
  const record = checked(schema, readJson(join(path, FILE), "training record"), join(path, FILE));
  const refuse = (why: string): never => {
    throw new InputError(
      `The training record ${path} is refused: ${why}. Restore it from git, or delete it and train again.`,
    );
  };
  if (keyOf(record.identity) !== record.key) refuse("its key does not belong to its configuration");
  const id = trainingId(record.identity, record.key);
  if (record.id !== id || path.split(/[\\/]/).filter(Boolean).pop() !== id) {
    refuse(`its folder should be named ${id}`);
  }
  for (const [name, sum] of Object.entries(record.files)) {
    if (!existsSync(join(path, name))) refuse(`its file ${name} is missing`);
    if (sha256(readFileSync(join(path, name))) !== sum) {
      refuse(`its file ${name} is not the one that it names`);
    }
  }
  return { ...record, path };
}

/**
 * The training records under `root`, by name and seed.
 * @throws InputError when one is not what it claims to be: it is refused, not passed over
 */
export function trainingRecords(root = runsFolder): TrainingRecord[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.endsWith(".part"))
    .map((entry) => join(root, entry.name))
    .filter((path) => existsSync(join(path, FILE)))
    .map(readTrainingRecord)
    .sort(
      (a, b) =>
        (a.identity.name < b.identity.name ? -1 : a.identity.name > b.identity.name ? 1 : 0) ||
        a.identity.seed - b.identity.seed,
    );
}

/** The metrics of a record's run, oldest first. */
export function metricsOf(record: TrainingRecord): Record<string, number>[] {
  return readFileSync(join(record.path, "metrics.jsonl"), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, number>);
}
