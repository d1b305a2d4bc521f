/** Records of every kind at once. */
import { cpSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { InputError, writeFolderWhole } from "../base/index.js";
import { allRecordFolders, kindAt, type KeptRecord, RECORD_FILE, readKind } from "./envelope.js";
import { recordKinds } from "./kinds/index.js";
import { placesFrom, runsFolder } from "./places.js";

/** A record of any kind, checked. */
export interface AnyRecord {
  readonly id: string;
  readonly kind: string;
  readonly path: string;
  /** Its content, in a line. */
  readonly line: string;
}

/**
 * Reads a record of whatever kind it says it is.
 * @throws InputError when it is of no kind that there is, or not what it claims
 */
export function readAnyRecord(path: string): AnyRecord {
  const own = kindAt(path);
  const kind = recordKinds.find((one) => one.kind === own);
  if (!kind) {
    const known = recordKinds.map((one) => one.kind).join(", ");
    throw new InputError(
      own === null
        ? `${join(path, RECORD_FILE)} is not the file of a record.`
        : `The record ${path} is of the kind "${own}"; there are ${known}.`,
    );
  }
  const record: KeptRecord<never> = readKind(kind, path);
  const { id } = record as { readonly id: string };
  return { id, kind: kind.kind, path, line: kind.lineOf(record) };
}

/**
 * The records of every kind, or of one, in order of id; of two with one id the one in the earlier place.
 * @param place one place; by default all
 * @throws InputError when one is not what it claims to be
 */
export function everyRecord(kind?: string, place?: string): AnyRecord[] {
  const found = new Map<string, AnyRecord>();
  for (const path of placesFrom(place).flatMap(allRecordFolders)) {
    const own = kindAt(path);
    if (kind !== undefined && own !== null && own !== kind) continue;
    if (!found.has(basename(path))) found.set(basename(path), readAnyRecord(path));
  }
  return [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * Makes a record part of the committed evidence: it is read, copied whole and read again, and its own folder goes.
 * @returns its new folder; the old one where it is evidence already
 * @throws InputError when it is not what it claims to be
 */
export function keepAsEvidence(path: string, evidence = runsFolder): string {
  const { id } = readAnyRecord(path);
  const to = join(evidence, id);
  if (resolve(dirname(path)) === resolve(evidence)) return path;
  writeFolderWhole(to, RECORD_FILE, (part) => cpSync(path, part, { recursive: true }));
  readAnyRecord(to);
  rmSync(path, { recursive: true, force: true });
  return to;
}
