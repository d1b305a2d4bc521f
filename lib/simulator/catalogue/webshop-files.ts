import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { readJson, writeJson } from "../../base/index.js";
import { download, type Downloaded, type DownloadOptions } from "./download.js";

/** The identifiers under which WebShop's setup script finds its files. */
const DRIVE = {
  "items_shuffle.json": "1A2whVgOO0euk5O13n2iYDM0bQRkkRduB",
  "items_ins_v2.json": "1s2j6NgHljiZzQNL3veZaAiyW_qDEgBNi",
  "items_shuffle_1000.json": "1EgHdxQ_YxqIQlvvq5iKlCrkEKR6-j0Ib",
  "items_ins_v2_1000.json": "1IduG0xl544V_A_jv3tHXC0kyFi7PnyBu",
  "items_human_ins.json": "14Kb5SPBk_jfdLZ_CDBNitW98QLDlKR5O",
} as const;

/** Which of WebShop's files: all products, or its cut of the first 1,000. */
export const FILE_SETS = {
  all: ["items_shuffle.json", "items_ins_v2.json", "items_human_ins.json"],
  small: ["items_shuffle_1000.json", "items_ins_v2_1000.json", "items_human_ins.json"],
} as const;

/** Where the downloads of a folder are recorded. */
const RECORD = "fetched.json";
const recordSchema = z.record(
  z.string(),
  z.object({ url: z.string(), bytes: z.number(), sha256: z.string() }),
);

export interface FetchOptions {
  readonly set: keyof typeof FILE_SETS;
  /** A mirror that has the files under their names; or else WebShop's own links. */
  readonly base?: string | undefined;
  readonly progress?: (file: string, bytes: number, total: number | null) => void;
  readonly signal?: AbortSignal | undefined;
  readonly patience?: number;
}

/**
 * Downloads WebShop's files into a folder and records the address, size and SHA-256 of each in `fetched.json`. What
 * was fetched before stays; what was begun goes on.
 */
export async function fetchWebShop(
  folder: string,
  options: FetchOptions,
): Promise<Record<string, Downloaded>> {
  const recordFile = join(folder, RECORD);
  const record = existsSync(recordFile) ? recordSchema.parse(readJson(recordFile)) : {};
  const result: Record<string, Downloaded> = {};
  for (const name of FILE_SETS[options.set]) {
    const path = join(folder, name);
    const known = record[name];
    if (known && existsSync(path) && statSync(path).size === known.bytes) {
      result[name] = known;
      continue;
    }
    const { progress, signal, patience } = options;
    const settings: DownloadOptions = {
      progress: (bytes, total) => progress?.(name, bytes, total),
      signal,
      ...(patience === undefined ? {} : { patience }),
    };
    result[name] = record[name] = await download(addressOf(name, options.base), path, settings);
    writeJson(recordFile, record);
  }
  return result;
}

function addressOf(name: keyof typeof DRIVE, base: string | undefined): string {
  if (base !== undefined) return new URL(name, base.endsWith("/") ? base : `${base}/`).href;
  // `confirm` answers the question that Drive asks before large files.
  return `https://drive.usercontent.google.com/download?id=${DRIVE[name]}&export=download&confirm=t`;
}
