/** Commands of the real program that are killed, and what lies in their folder afterwards. */
import { strict as assert } from "node:assert";
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { sha256, stream } from "../../../lib/base/index.js";

/** Kills of each verb at random moments, and kills before renames at most: a hundred each take hours. */
export const KILLS = Number(process.env["AISLE_KILLS"] ?? 8);
/** Draws the moments. */
export const SEED = Number(process.env["AISLE_KILL_SEED"] ?? 1);

/** A command whose work is done in a folder of its own. */
export interface Work {
  readonly verb: string;
  /** The arguments, given that folder. */
  readonly args: (folder: string) => readonly string[];
  /** Where it is run, given the folder; default: the project. */
  readonly root?: (folder: string) => string;
  /** What lies in the folder before it starts; default: nothing. */
  readonly from?: string;
  /** Parts of the folder that it makes; default: all. */
  readonly made?: readonly string[];
  /** How often it is killed at random moments, and before renames at most; default: KILLS. */
  readonly kills?: number;
}

/** Files that say when and how fast something was done (of `origin.json`, a part). */
const OF_THE_CLOCK = new Set(["provenance.json", "timing.jsonl", "origin.json"]);
/** A kill may leave the file that was being written, under a name that nothing reads. */
const UNREAD = /\.\d+\.[0-9a-f]{16}\.part$/;

/** How a process ended. */
export interface Ended {
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
  readonly said: string;
  readonly milliseconds: number;
}

/**
 * Counts the renames of a process and of all that it starts, a byte each in the file that COUNT_IN names. Before the one that KILL_AT
 * names, all of them are killed at once, as by a power cut.
 */
const PRELOAD = `
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { isMainThread } from "node:worker_threads";
const { COUNT_IN, KILL_AT } = process.env;
if (isMainThread && COUNT_IN) {
  process.env.KILL_GROUP ??= String(process.pid);
  const about = () => {
    const file = fs.openSync(COUNT_IN, "a");
    const at = fs.fstatSync(file).size;
    fs.writeSync(file, ".");
    fs.closeSync(file);
    if (String(at) !== KILL_AT) return;
    process.kill(-Number(process.env.KILL_GROUP), "SIGKILL");
    process.kill(process.pid, "SIGKILL"); // one that left the group
    for (;;);
  };
  const { renameSync } = fs;
  const { rename } = fs.promises;
  fs.renameSync = (...given) => { about(); return renameSync(...given); };
  fs.promises.rename = (...given) => { about(); return rename(...given); };
  syncBuiltinESMExports();
}
`;

/** Runs a work and kills it, once at a random moment or before one of its renames. */
export class Killer {
  readonly #preload: string;
  #made = 0;

  /** @param scratch a folder of the test's own, which it removes */
  constructor(private readonly scratch: string) {
    this.#preload = join(scratch, "count-renames.mjs");
    writeFileSync(this.#preload, PRELOAD);
  }

  /** A new folder, as the work finds it. */
  folder(work: Work): string {
    const folder = join(this.scratch, `${work.verb.split(" ")[0]}-${this.#made++}`);
    if (work.from) cpSync(work.from, folder, { recursive: true, verbatimSymlinks: true });
    return folder;
  }

  /**
   * Runs the command in a folder.
   * @param after milliseconds after which it is killed; default: never
   */
  run(
    work: Work,
    folder: string,
    more: { after?: number; env?: Record<string, string> } = {},
  ): Promise<Ended> {
    const began = performance.now();
    const counted = more.env !== undefined;
    const preloaded = counted ? { NODE_OPTIONS: `--import=${pathToFileURL(this.#preload).href}` } : {};
    const child: ChildProcess = spawn(process.execPath, ["lib/aisle.mjs", ...work.args(folder)], {
      cwd: work.root?.(folder) ?? process.cwd(),
      stdio: ["ignore", "ignore", "pipe"],
      detached: counted, // a group of its own, to be killed whole
      env: { ...process.env, AISLE_BACKEND: "wasm", ...preloaded, ...more.env },
    });
    let said = "";
    child.stderr!.on("data", (chunk: Buffer) => (said += chunk.toString("utf8")));
    const timer = more.after === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), more.after);
    return new Promise((resolve) =>
      // Not "close": a kernel or a run that outlives its parent for a moment holds the pipe.
      child.once("exit", (code, signal) => {
        clearTimeout(timer);
        child.stderr!.destroy();
        resolve({ code, signal, said, milliseconds: performance.now() - began });
      }),
    );
  }

  /** Runs the command to its end. */
  async whole(work: Work, folder: string): Promise<Ended> {
    const ended = await this.run(work, folder);
    assert.equal(ended.code, 0, `${work.verb} again: ${ended.signal ?? ended.code}\n${ended.said}`);
    return ended;
  }

  /** How many renames the command makes, in all of its processes. */
  async renames(work: Work): Promise<number> {
    const folder = this.folder(work);
    const { code, said, count } = await this.counted(work, folder);
    assert.equal(code, 0, said);
    rmSync(folder, { recursive: true });
    return count;
  }

  /** Runs the command and counts its renames; before the one of a number, from 0, all is killed. */
  async counted(work: Work, folder: string, at?: number): Promise<Ended & { readonly count: number }> {
    const file = join(this.scratch, `count-${this.#made++}`);
    writeFileSync(file, "");
    const env = { COUNT_IN: file, ...(at === undefined ? {} : { KILL_AT: String(at) }) };
    const ended = await this.run(work, folder, { env });
    return { ...ended, count: statSync(file).size };
  }
}

/** The SHA-256 of every file that the work made, by its place. */
export function sumsOf(work: Work, folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !OF_THE_CLOCK.has(entry.name) && !UNREAD.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((name) => !work.made || work.made.some((part) => name.startsWith(part)));
  return Object.fromEntries(names.sort().map((name) => [name, sha256(readFileSync(join(folder, name)))]));
}

/** Moments between the start and a little after the usual end of a process. */
export function moments(verb: string, milliseconds: number): () => number {
  const random = stream(SEED, `kills ${verb}`);
  return () => Math.round(random.next() * milliseconds * 1.02);
}
