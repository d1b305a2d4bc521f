import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { besideName, codeOf, InputError, removeAbandoned, RunError, whyNot } from "../../base/index.js";
import { isCatalogue } from "./format.js";

/**
 * A folder that appears whole or not at all: it is filled under another name beside `path` and renamed when it is
 * complete, taking the place of an older catalogue. Any number of builders may race: each fills its own, the last
 * to finish stays.
 */
export class WholeFolder {
  /** Where to write meanwhile. */
  readonly part: string;
  private open = true;

  /** @throws InputError when `path` is something else than a catalogue or an empty folder. */
  constructor(readonly path: string) {
    refuseForeign(path); // which puts back what a killed builder had moved away
    removeAbandoned(path);
    this.part = besideName(path);
    try {
      mkdirSync(this.part, { recursive: true });
    } catch (error) {
      throw new RunError(`Could not write beside ${path}: ${whyNot(error)}.`);
    }
  }

  /** A file in the folder being filled. */
  file(name: string): string {
    return join(this.part, name);
  }

  /**
   * Puts the folder in its place.
   * @param keep whether a catalogue that another builder put there meanwhile stays, and this one goes.
   */
  publish(keep: () => boolean = () => false): void {
    try {
      for (let attempt = 1; ; attempt++) {
        if (keep()) return this.discard();
        refuseForeign(this.path);
        // Onto nothing (or an empty folder) a folder is renamed in one step, so that two builders cannot collide.
        if (renamed(this.part, this.path)) break;
        if (keep()) return this.discard();
        const old = besideName(this.path, "old");
        moveAway(this.path, old);
        let done: boolean;
        try {
          done = renamed(this.part, this.path);
        } catch (error) {
          moveAway(old, this.path);
          throw error;
        }
        rmSync(old, { recursive: true, force: true });
        if (done) break;
        // Another builder published between the two renames: its catalogue is the old one of the next attempt.
        if (attempt === 10) throw new RunError("others keep putting theirs there");
      }
    } catch (error) {
      this.discard();
      if (error instanceof InputError) throw error;
      throw new RunError(`Could not put the finished catalogue at ${this.path}: ${whyNot(error)}.`);
    }
    this.open = false;
  }

  /** Removes what was written; nothing after `publish`. */
  discard(): void {
    if (this.open) rmSync(this.part, { recursive: true, force: true });
    this.open = false;
  }
}

/** Renames a folder unless something stands in its way. */
function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "EPERM"].includes(codeOf(error) ?? "")) return false;
    throw error;
  }
}

function moveAway(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

function refuseForeign(path: string): void {
  if (isCatalogue(path) || !existsSync(path)) return;
  let entries: string[];
  try {
    entries = readdirSync(path);
  } catch (error) {
    throw new InputError(
      `Cannot build a catalogue at ${path}: ${codeOf(error) === "ENOTDIR" ? "it is a file" : whyNot(error)}.`,
    );
  }
  if (entries.length > 0) {
    throw new InputError(
      `${path} holds other files (${entries[0]!}) and is not a catalogue: name an empty or new folder.`,
    );
  }
}
