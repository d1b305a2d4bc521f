import { appendFileSync, existsSync, mkdirSync, rmdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { readLines, RunError, whyNot, writeFileWhole } from "../base/index.js";
import { episodeOf, type KeptEpisode, lineOf, unlike } from "./actions.js";
import { columnsOfRow, type EpisodeResult, fromRows, toRows } from "./kinds/episode-rows.js";
import { sha256 } from "./key.js";

/** An episode that is finished: what came out, and what was done. */
export interface FinishedEpisode {
  readonly result: EpisodeResult;
  readonly kept: KeptEpisode;
}

/** A line of the journal. */
interface Line {
  readonly row: (number | null)[];
  readonly episode: unknown;
  readonly sum: string;
}

/** How long finished episodes may stay unwritten, in milliseconds: what an interruption can cost. */
const PATIENCE = 2000;

/**
 * The finished episodes of an evaluation that is not finished yet, so that an interrupted one goes on where it stopped.
 * One line per episode with the SHA-256 of what it holds, in the order in which they ended, in `<runs>/.unfinished/<id>.jsonl`; the
 * file goes when the record is written. An evaluation that takes less than two seconds never writes it.
 */
export class Journal {
  private readonly path: string;
  private waiting: FinishedEpisode[] = [];
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
  read(has: (seed: number, goal: number) => boolean): FinishedEpisode[] {
    if (!existsSync(this.path)) return [];
    const found = new Map<string, FinishedEpisode>();
    for (const line of readLines(this.path, "finished episodes")) {
      const one = this.parse(line);
      if (one && has(one.result.seed, one.result.goal))
        found.set(`${one.result.seed} ${one.result.goal}`, one);
    }
    const finished = [...found.values()];
    if (finished.length === 0) this.discard();
    else writeFileWhole(this.path, this.linesOf(finished)); // without what was cut off, so that the next line begins a line
    return finished;
  }

  /** Notes a finished episode. */
  add(episode: FinishedEpisode): void {
    this.waiting.push(episode);
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

  private linesOf(episodes: readonly FinishedEpisode[]): string {
    return episodes
      .map(({ result, kept }) => {
        const row = toRows([result])[0]!;
        const episode: unknown = JSON.parse(lineOf(kept));
        return `${JSON.stringify({ row, episode, sum: this.sumOf(row, episode) })}\n`;
      })
      .join("");
  }

  /** An episode, or null where the line is not a whole one of this evaluation. */
  private parse(line: string): FinishedEpisode | null {
    try {
      const { row, episode, sum } = JSON.parse(line) as Line;
      if (sum !== this.sumOf(row, episode)) return null;
      const [result] = fromRows(columnsOfRow(row), [row]);
      const kept = episodeOf(episode);
      return result && !unlike(kept, result) ? { result, kept } : null;
    } catch {
      return null;
    }
  }

  private sumOf(row: readonly (number | null)[], episode: unknown): string {
    return sha256(`${this.id} ${JSON.stringify([row, episode])}`);
  }
}
