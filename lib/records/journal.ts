import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { RunError, whyNot, writeFileWhole } from "../base/index.js";
import { columnsOfRow, type EpisodeResult, fromRows, toRows } from "./kinds/episode-rows.js";
import { sha256 } from "./key.js";

/** How long finished episodes may stay unwritten, in milliseconds: what an interruption can cost. */
const PATIENCE = 2000;

/**
 * The finished episodes of an evaluation that is not finished yet, so that an interrupted one goes on where it stopped.
 * One line per episode with the SHA-256 of its row, in the order in which they ended, in `<runs>/.unfinished/<id>.jsonl`; the file goes when the
 * record is written. An evaluation that takes less than two seconds never writes it.
 */
export class Journal {
  private readonly path: string;
  private waiting: EpisodeResult[] = [];
  private written = performance.now();

  /** @param patience milliseconds that a finished episode may stay unwritten; 0 writes each at once */
  constructor(
    runs: string,
    private readonly id: string,
    private readonly patience = PATIENCE,
  ) {
    this.path = join(runs, ".unfinished", `${id}.jsonl`);
  }

  /**
   * The episodes that were finished, each once. A line cut off by the interruption, one that was changed since it was written,
   * and everything else that is not an episode with a place in this evaluation is dropped: it is played again.
   * @param has whether an episode of this seed and goal belongs to the evaluation
   */
  read(has: (seed: number, goal: number) => boolean): EpisodeResult[] {
    if (!existsSync(this.path)) return [];
    const results = new Map<string, EpisodeResult>();
    for (const line of readFileSync(this.path, "utf8").split("\n")) {
      const result = this.parse(line);
      if (result && has(result.seed, result.goal)) results.set(`${result.seed} ${result.goal}`, result);
    }
    const kept = [...results.values()];
    if (kept.length === 0) this.discard();
    else writeFileWhole(this.path, this.linesOf(kept)); // without what was cut off, so that the next line begins a line
    return kept;
  }

  /** Notes a finished episode. */
  add(result: EpisodeResult): void {
    this.waiting.push(result);
    if (performance.now() - this.written >= this.patience) this.flush();
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

  /** Writes what is not written yet. */
  flush(): void {
    if (this.waiting.length > 0) {
      try {
        mkdirSync(dirname(this.path), { recursive: true });
        appendFileSync(this.path, this.linesOf(this.waiting));
      } catch (error) {
        throw new RunError(`Could not note the finished episodes in ${this.path}: ${whyNot(error)}.`);
      }
    }
    this.waiting = [];
    this.written = performance.now();
  }

  private linesOf(results: readonly EpisodeResult[]): string {
    return toRows(results)
      .map((row) => `${JSON.stringify({ row, sum: this.sumOf(row) })}\n`)
      .join("");
  }

  /** An episode, or null where the line is not a whole one of this evaluation. */
  private parse(line: string): EpisodeResult | null {
    try {
      const { row, sum } = JSON.parse(line) as { row: (number | null)[]; sum: string };
      return sum === this.sumOf(row) ? (fromRows(columnsOfRow(row), [row])[0] ?? null) : null;
    } catch {
      return null;
    }
  }

  private sumOf(row: readonly (number | null)[]): string {
    return sha256(`${this.id} ${JSON.stringify(row)}`);
  }
}
