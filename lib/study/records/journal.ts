import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { RunError, whyNot } from "../../base/index.js";
import { fromRows, toRows } from "./rows.js";
import { type EpisodeResult, resultColumns } from "./schema.js";

/** How long finished episodes may stay unwritten, in milliseconds: what an interruption can cost. */
const PATIENCE = 2000;

/**
 * The finished episodes of an evaluation that is not finished yet, so that an interrupted one goes on where it stopped.
 * One line per episode in `<runs>/.unfinished/<id>.jsonl`; the file goes when the record is written. An evaluation
 * that takes less than two seconds never writes it.
 */
export class Journal {
  private readonly path: string;
  private waiting: EpisodeResult[] = [];
  private written = performance.now();

  constructor(runs: string, id: string) {
    this.path = join(runs, ".unfinished", `${id}.jsonl`);
  }

  /**
   * The episodes that were finished, as far as they are the first ones in order: a line cut off by the interruption, or
   * one that is not the next episode, ends them. What follows is dropped from the file.
   */
  read(episodeAt: (index: number) => { seed: number; goal: number }): EpisodeResult[] {
    if (!existsSync(this.path)) return [];
    const results: EpisodeResult[] = [];
    for (const line of readFileSync(this.path, "utf8").split("\n")) {
      const result = parse(line);
      const next = episodeAt(results.length);
      if (!result || result.seed !== next.seed || result.goal !== next.goal) break;
      results.push(result);
    }
    this.discard();
    this.waiting = [...results];
    this.flush();
    return results;
  }

  /** Notes a finished episode. */
  add(result: EpisodeResult): void {
    this.waiting.push(result);
    if (performance.now() - this.written > PATIENCE) this.flush();
  }

  /** Forgets everything: the record is written, or the evaluation starts anew. */
  discard(): void {
    this.waiting = [];
    try {
      rmSync(this.path, { force: true });
      rmdirSync(dirname(this.path));
    } catch {
      // the folder is not there, or another evaluation's journal still needs it
    }
  }

  private flush(): void {
    if (this.waiting.length > 0) {
      try {
        mkdirSync(dirname(this.path), { recursive: true });
        appendFileSync(
          this.path,
          toRows(this.waiting)
            .map((row) => `${JSON.stringify(row)}\n`)
            .join(""),
        );
      } catch (error) {
        throw new RunError(`Could not note the finished episodes in ${this.path}: ${whyNot(error)}.`);
      }
    }
    this.waiting = [];
    this.written = performance.now();
  }
}

/** An episode, or null where the line is not a whole one. */
function parse(line: string): EpisodeResult | null {
  try {
    return fromRows(resultColumns, [JSON.parse(line) as (number | null)[]])[0] ?? null;
  } catch {
    return null;
  }
}
