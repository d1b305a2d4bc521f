/**
 * Every record is a folder `<place>/<id>/` with one envelope, whatever its kind:
 *
 * - `record.json`: what was run (`identity`, with the `kind` of the record), what came out (the kind's own members), the
 *   SHA-256 of every further file (`files`), and the `seal`: the SHA-256 over all of this. A pure function of its inputs: no
 *   time, path, commit or machine in it, so making it again with the same inputs gives the same bytes.
 * - the files that it names.
 * - `provenance.json`: where the record first came from (code commit, machine, seconds). Written together with
 *   `record.json` and never again while that stays the same, so it does not vary from run to run either.
 *
 * The id ends with the first digits of `key`, the SHA-256 over the canonical form of `identity`.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { InputError, messageOf, readJson, recoverIn, writeFolderWhole } from "../base/index.js";
import { canonicalJson, keyOf, sha256 } from "./key.js";
import { placesBeside } from "./places.js";
import { type Provenance, provenanceSchema } from "./provenance.js";

/** The file that makes a folder a record. */
export const RECORD_FILE = "record.json";

const FORMAT = 2;

const digest = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits");

/** Members of every `record.json`, beside its kind's own. */
const envelope = z.object({
  format: z.literal(FORMAT, "is of another version than this code reads"),
  id: z.string().min(1),
  key: digest,
  seal: digest,
  files: z.record(z.string().regex(/^([a-z0-9-]+\/)?[A-Za-z0-9][A-Za-z0-9._-]*$/), digest),
});

const ENVELOPE_MEMBERS = new Set(Object.keys(envelope.shape));

/** The kind of a record. */
interface Identified {
  readonly identity: { readonly kind: string };
}

/**
 * A kind of record: one file in `kinds/` and one line in its registry.
 * `Stored` is what stands in `record.json`, `Content` what readers get.
 */
export interface RecordKind<Stored extends Identified, Content extends Identified> {
  /** The `kind` of its identities. */
  readonly kind: Content["identity"]["kind"];
  /** The name of such a record for people, e.g. "run record". */
  readonly noun: string;
  /** The advice for one that does not hold, e.g. "run again". */
  readonly remedy: string;
  /** The identity and the kind's own members, nothing else. */
  readonly schema: z.ZodType<Stored>;
  /** A folder name: readable first, and unique by the key. */
  idOf(identity: Content["identity"], key: string): string;
  toStored(content: Content): Stored;
  /** @throws Error with a short reason when what is stored cannot have come out of a run */
  fromStored(stored: Stored): Content;
  /** The record in a line of `aisle records`, without its id. */
  lineOf(record: KeptRecord<Content>): string;
}

/** A record that was read and found to be what it claims. */
export type KeptRecord<Content> = Content & {
  readonly id: string;
  readonly key: string;
  /** Names of further files in its folder, with their SHA-256. */
  readonly files: Readonly<Record<string, string>>;
  /** Its folder. */
  readonly path: string;
};

/** The result of writing a record: there was none, it says the same as before, or it says something else now. */
export type WriteOutcome = "new" | "same" | "changed";

/** The content of a record beside its kind's own. */
export interface Enclosed {
  /** Further files, by name. */
  readonly files: ReadonlyMap<string, string | Uint8Array>;
  /** Asked for only when the record is written. */
  provenance(): Provenance;
}

/**
 * Writes a record into a place, whole or not at all: the folder is made beside its own and renamed into it. A record that says
 * the same already, there or in a place beside it, is not touched, its provenance included.
 * @throws RunError when the folder cannot be written
 */
export function writeKind<Stored extends Identified, Content extends Identified>(
  kind: RecordKind<Stored, Content>,
  content: Content,
  { files, provenance }: Enclosed,
  place: string,
): { record: KeptRecord<Content>; outcome: WriteOutcome } {
  // As it will be read back: without undefined members.
  const stored = kind.schema.parse(JSON.parse(JSON.stringify(kind.toStored(content))));
  const { identity, ...rest } = stored;
  const key = keyOf(identity);
  const id = kind.idOf(identity as Content["identity"], key);
  const names = [...files.keys()].sort();
  const sums = Object.fromEntries(names.map((name) => [name, sha256(files.get(name)!)]));
  const whole = { format: FORMAT, id, key, identity, files: sums, ...rest };
  const text = recordText({ format: FORMAT, id, key, seal: sealOf(whole), identity, files: sums, ...rest });
  const says = (at: string): boolean =>
    existsSync(join(at, RECORD_FILE)) &&
    readFileSync(join(at, RECORD_FILE), "utf8") === text &&
    filesHold(at, sums);
  const path = join(place, id);
  const same = [place, ...placesBeside(place)].map((one) => join(one, id)).find(says);
  if (same !== undefined) return { record: readKind(kind, same), outcome: "same" };
  const outcome = existsSync(path) ? "changed" : "new";
  writeFolderWhole(path, RECORD_FILE, (part) => {
    for (const [name, bytes] of files) {
      mkdirSync(dirname(join(part, name)), { recursive: true });
      writeFileSync(join(part, name), bytes);
    }
    writeFileSync(join(part, "provenance.json"), jsonText(provenance()));
    writeFileSync(join(part, RECORD_FILE), text);
  });
  return { record: readKind(kind, path), outcome };
}

/**
 * Reads a record and checks that it is what it claims to be: its schema, the key over its identity, the folder's name, what its
 * kind knows of its content, the seal over all of it, and the checksums of the files beside it.
 * @throws InputError naming the folder and what does not hold
 */
export function readKind<Stored extends Identified, Content extends Identified>(
  kind: RecordKind<Stored, Content>,
  path: string,
): KeptRecord<Content> {
  const refuse = (why: string): never => {
    throw new InputError(
      `The ${kind.noun} ${path} is refused: ${why}. Restore it from git or delete it and ${kind.remedy}.`,
    );
  };
  const whole = readJson(join(path, RECORD_FILE), kind.noun);
  const outer = envelope.safeParse(whole);
  if (!outer.success) return refuse(firstIssue(outer.error));
  const members = Object.entries(whole as object);
  const own = kind.schema.safeParse(
    Object.fromEntries(members.filter(([name]) => !ENVELOPE_MEMBERS.has(name))),
  );
  if (!own.success) return refuse(firstIssue(own.error));
  const { id, key, files, seal } = outer.data;
  const { identity } = own.data;
  if (keyOf(identity) !== key) refuse("its key does not belong to its configuration");
  const named = kind.idOf(identity as Content["identity"], key);
  if (id !== named || basename(resolve(path)) !== id) refuse(`its folder should be named ${named}`);
  let content: Content;
  try {
    content = kind.fromStored(own.data);
  } catch (error) {
    return refuse(messageOf(error));
  }
  if (sealOf(Object.fromEntries(members.filter(([name]) => name !== "seal"))) !== seal)
    refuse("its seal does not belong to what it says");
  for (const [name, sum] of Object.entries(files)) {
    if (!existsSync(join(path, name))) refuse(`its file ${name} is missing`);
    if (sha256(readFileSync(join(path, name))) !== sum)
      refuse(`its file ${name} is not the one that it names`);
  }
  return { ...content, id, key, files, path };
}

/** The kind that a folder's record says it is of, unchecked; null where there is none to read. */
export function kindAt(path: string): string | null {
  try {
    const { identity } = JSON.parse(readFileSync(join(path, RECORD_FILE), "utf8")) as Partial<Identified>;
    return typeof identity?.kind === "string" ? identity.kind : null;
  } catch {
    return null;
  }
}

/** The folders in a place that hold a record of any kind, in order of name. */
export function allRecordFolders(place: string): string[] {
  if (!existsSync(place)) return [];
  recoverIn(place, (folder) => existsSync(join(folder, RECORD_FILE))); // what a killed process had moved away
  return readdirSync(place, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/\.(?:part|old)$/.test(entry.name))
    .map((entry) => join(place, entry.name))
    .filter((path) => existsSync(join(path, RECORD_FILE)))
    .sort();
}

/**
 * The folders that hold a record of a kind, in order of id. One whose kind cannot be read is among them: whoever reads it refuses it.
 * @param places where to look; of two records with one id the one in the earlier place counts
 */
export function foldersOf(kind: string, places: readonly string[]): string[] {
  const found = new Map<string, string>();
  for (const path of places.flatMap(allRecordFolders)) {
    const own = kindAt(path);
    if ((own === null || own === kind) && !found.has(basename(path))) found.set(basename(path), path);
  }
  return [...found.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
}

/** A record's provenance, or null when it was not kept. @throws InputError when the file is none */
export function readProvenance(path: string): Provenance | null {
  const file = join(path, "provenance.json");
  if (!existsSync(file)) return null;
  const parsed = provenanceSchema.safeParse(readJson(file, "provenance"));
  if (!parsed.success)
    throw new InputError(`${file} does not say where a record comes from: ${firstIssue(parsed.error)}.`);
  return parsed.data;
}

/** JSON as it stands in a record's files. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** The seal of a record without one: SHA-256 over its canonical JSON. */
function sealOf(record: object): string {
  return sha256(canonicalJson(record));
}

function filesHold(path: string, sums: Readonly<Record<string, string>>): boolean {
  return Object.entries(sums).every(
    ([name, sum]) => existsSync(join(path, name)) && sha256(readFileSync(join(path, name))) === sum,
  );
}

function firstIssue({ issues }: z.ZodError): string {
  const { path, message } = issues[0]!;
  return path.length > 0 ? `${path.join(".")}: ${message}` : message;
}

/** `record.json` as text: indented where people read, an array within an array on a line of its own where they compare. */
function recordText(record: object): string {
  const rows: string[] = [];
  const marked = JSON.stringify(
    record,
    (_, value: unknown) =>
      Array.isArray(value) && value.length > 0 && value.every(Array.isArray)
        ? value.map((row) => `\u0000${rows.push(JSON.stringify(row)) - 1}\u0000`)
        : value,
    2,
  );
  return `${marked.replace(/"\\u0000(\d+)\\u0000"/g, (_, at: string) => rows[Number(at)]!)}\n`;
}
