import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { besideName, InputError, writeFolderWhole } from "../../base/index.js";
import { readRecord } from "../../records/index.js";
import type { ShippedRecord } from "./run.js";

/**
 * Puts a record that another machine made into the folder of records. Where the same record lies already (a shared
 * disk, or it came before) nothing is written.
 * @throws InputError when what was sent is not a record
 */
export function unpack({ id, files }: ShippedRecord, runs: string): void {
  const odd = [id, ...Object.keys(files)].find((name) => !/^[a-z0-9][a-z0-9._-]*$/.test(name));
  if (odd !== undefined)
    throw new InputError(`A worker sent a record with the file name "${odd}": it was refused.`);
  const path = join(runs, id);
  const bytes = (name: string): Buffer => Buffer.from(files[name] ?? "", "base64");
  const record = join(path, "record.json");
  if (existsSync(record) && readFileSync(record).equals(bytes("record.json"))) return;
  const part = besideName(path);
  try {
    mkdirSync(join(part, id), { recursive: true });
    for (const name of Object.keys(files)) writeFileSync(join(part, id, name), bytes(name));
    readRecord(join(part, id)); // refused before it is in place
    writeFolderWhole(path, "record.json", (whole) => cpSync(join(part, id), whole, { recursive: true }));
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}
