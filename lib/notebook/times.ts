/** How long cells took last time on this machine, to say how long they will take now. Kept beside the caches, never in a notebook. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import path from "node:path";
import { writeJson } from "../base/index.js";

const FILE = path.join("data", "cache", "cell-times.json");

/** Seconds by cell, found by its source. */
export interface CellTimes {
  /** Seconds that a cell took last time, if it is known. */
  get(source: string): number | undefined;
  set(source: string, seconds: number): void;
  /** Keeps them for the next run; a folder that cannot be written is no misfortune. */
  save(): void;
}

/** The times of one notebook. */
export function readCellTimes(notebook: string): CellTimes {
  const all = readAll();
  const key = path.relative(process.cwd(), path.resolve(notebook)).split(path.sep).join("/");
  const known = new Map(Object.entries(all[key] ?? {}));
  const fresh = new Map<string, number>();
  return {
    get: (source) => known.get(nameOf(source)),
    set: (source, seconds) => void fresh.set(nameOf(source), Math.round(seconds * 1000) / 1000),
    save() {
      try {
        writeJson(FILE, { ...readAll(), [key]: Object.fromEntries([...known, ...fresh]) });
      } catch {
        // Next time it will be guessed again.
      }
    },
  };
}

type Times = Record<string, Record<string, number>>;

function readAll(): Times {
  try {
    const value: unknown = JSON.parse(readFileSync(FILE, "utf8"));
    return typeof value === "object" && value !== null ? (value as Times) : {};
  } catch {
    return {};
  }
}

function nameOf(source: string): string {
  return createHash("sha256").update(source).digest("hex").slice(0, 16);
}
