import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { InputError, readJson, writeFileWhole } from "../base/index.js";
import { writeFolderWhole } from "./folder.js";
import { idOf, keyOf, sha256 } from "./key.js";
import { provenance } from "./provenance.js";
import { columnsOf, fromRows, toRows } from "./rows.js";
import {
  type EpisodeResult,
  type EvaluationIdentity,
  evaluationIdentity,
  type Provenance,
  provenanceSchema,
  recordSchema,
  type RunRecord,
} from "./schema.js";

/** Where run records live, from the project root. */
export const runsFolder = "data/runs";

/** What writing a record did: there was none, it says the same as before, or it says something else now. */
export type WriteOutcome = "new" | "same" | "changed";

/** What goes into a record. */
export interface RecordContent {
  readonly identity: EvaluationIdentity;
  readonly results: readonly EpisodeResult[];
  /** Further files, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Wall time of the run in seconds, for `provenance.json`. */
  readonly seconds: number;
}

/**
 * Writes a record, whole or not at all: the folder is made beside its place and renamed into it. A record that says
 * the same already is not touched, its provenance included.
 * @throws RunError when the folder cannot be written
 */
export function writeRecord(
  content: RecordContent,
  root = runsFolder,
): { record: RunRecord; outcome: WriteOutcome } {
  const identity = evaluationIdentity.parse(content.identity);
  const key = keyOf(identity);
  const id = idOf(identity, key);
  const path = join(root, id);
  const files = content.files ?? {};
  const text = recordText({ id, key, identity, results: content.results, files });
  const known = existsSync(path);
  const same =
    known &&
    sameText(join(path, "record.json"), text) &&
    Object.entries(files).every(([name, data]) => sameText(join(path, name), data));
  if (!same) {
    writeFolderWhole(path, "record.json", (part) => {
      for (const [name, data] of Object.entries(files)) writeFileSync(join(part, name), data);
      writeFileSync(join(part, "provenance.json"), jsonText(provenance(content.seconds)));
      writeFileSync(join(part, "record.json"), text);
    });
  }
  return { record: readRecord(path), outcome: same ? "same" : known ? "changed" : "new" };
}

/** JSON as it stands in a record's files. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** `record.json` as text: indented where people read, one line per episode where they compare. */
function recordText(record: {
  id: string;
  key: string;
  identity: EvaluationIdentity;
  results: readonly EpisodeResult[];
  files: Readonly<Record<string, string>>;
}): string {
  const head = {
    format: 1,
    id: record.id,
    key: record.key,
    identity: record.identity,
    files: Object.fromEntries(
      Object.entries(record.files)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, data]) => [name, sha256(data)]),
    ),
    results: { columns: columnsOf(record.results), rows: [] },
  };
  const rows = toRows(record.results).map((row) => `      ${JSON.stringify(row)}`);
  const marker = '"rows": []';
  const text = JSON.stringify(head, null, 2);
  const at = text.lastIndexOf(marker);
  return `${text.slice(0, at)}"rows": [\n${rows.join(",\n")}\n    ]${text.slice(at + marker.length)}\n`;
}

/**
 * Reads a record and checks that it is what it claims to be: the schema, the key over its identity, the folder's
 * name, every goal of every seed exactly once, and the checksums of the files beside it.
 * @throws InputError naming the folder and what does not hold
 */
export function readRecord(path: string): RunRecord {
  const parsed = recordSchema.safeParse(readJson(join(path, "record.json"), "run record"));
  if (!parsed.success) throw refusal(path, z.prettifyError(parsed.error).split("\n").join(" "));
  const { id, key, identity, files, results: raw } = parsed.data;
  if (keyOf(identity) !== key) throw refusal(path, "its key does not belong to its configuration");
  if (idOf(identity, key) !== id || !samePlace(path, id)) {
    throw refusal(path, `its folder should be named ${idOf(identity, key)}`);
  }
  let results: EpisodeResult[];
  try {
    results = fromRows(raw.columns, raw.rows);
  } catch (error) {
    throw refusal(path, error instanceof Error ? error.message : String(error));
  }
  const missing = uncovered(identity, results);
  if (missing) throw refusal(path, missing);
  for (const [name, sum] of Object.entries(files)) {
    const file = join(path, name);
    if (!existsSync(file)) throw refusal(path, `its file ${name} is missing`);
    if (sha256(readFileSync(file)) !== sum)
      throw refusal(path, `its file ${name} is not the one that it names`);
  }
  return { id, key, identity, results, files, path };
}

/** Where a record came from, or null when nobody kept it. */
export function readProvenance(path: string): Provenance | null {
  const file = join(path, "provenance.json");
  if (!existsSync(file)) return null;
  const parsed = provenanceSchema.safeParse(readJson(file, "provenance"));
  if (!parsed.success)
    throw refusal(path, `its provenance.json is not one: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** Removes a record. */
export function removeRecord(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** The folders under `root` that hold a record, in order of name. */
export function recordFolders(root = runsFolder): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, "record.json")))
    .map((entry) => join(root, entry.name))
    .filter((path) => !path.endsWith(".part"))
    .sort();
}

/** Writes a text file unless it says that already, so that an unchanged result keeps its time stamp. */
export function writeIfChanged(path: string, text: string | Uint8Array): boolean {
  const bytes = Buffer.from(text);
  if (existsSync(path) && readFileSync(path).equals(bytes)) return false;
  writeFileWhole(path, bytes);
  return true;
}

function sameText(path: string, text: string): boolean {
  return existsSync(path) && readFileSync(path, "utf8") === text;
}

function samePlace(path: string, id: string): boolean {
  return path.split(/[\\/]/).filter(Boolean).pop() === id;
}

function refusal(path: string, why: string): InputError {
  return new InputError(
    `The run record ${path} is refused: ${why}. Restore it from git or delete it and run again.`,
  );
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
