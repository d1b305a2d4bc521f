/** Whoever does the policy's work: this thread, or several worker threads with a replica each. */
import type { CompletionScores, GradientOptions, Replica, ScoreOptions, Scores, Slopes } from "./replica.js";
import type { Row } from "./rows.js";

export type { CompletionScores, Scores, Slopes };

/** What an objective makes of one micro-batch: its index, its rows' scores in, slopes out. */
export type BatchObjective = (batch: number, scores: Scores) => Slopes | Promise<Slopes>;

/** The gradient of one micro-batch, finished. */
export interface BatchGradient {
  readonly batch: number;
  readonly loss: number;
  readonly scores: Scores;
  /** Valid until the next one is handed over. */
  readonly gradient: Float32Array;
}

export interface Crew {
  /** Replicas that can work at the same time. */
  readonly size: number;
  /** Scores batches; results in their order. `version` says which weights. */
  score(batches: readonly (readonly Row[])[], version: number, options: ScoreOptions): Promise<Scores[]>;
  /** Differentiates micro-batches and hands over each gradient in their order, whoever finishes first. */
  gradients(
    batches: readonly (readonly Row[])[],
    version: number,
    objective: BatchObjective,
    options: GradientOptions,
    take: (result: BatchGradient) => void,
  ): Promise<void>;
  dispose(): Promise<void>;
}

/** One replica on this thread. */
export class LocalCrew implements Crew {
  readonly size = 1;
  private readonly scratch: Float32Array;

  constructor(
    readonly replica: Replica,
    trained: number,
  ) {
    this.scratch = new Float32Array(trained);
  }

  async score(
    batches: readonly (readonly Row[])[],
    version: number,
    options: ScoreOptions,
  ): Promise<Scores[]> {
    this.replica.sync(version);
    const scores: Scores[] = [];
    for (const rows of batches) scores.push(await this.replica.score(rows, options));
    return scores;
  }

  async gradients(
    batches: readonly (readonly Row[])[],
    version: number,
    objective: BatchObjective,
    options: GradientOptions,
    take: (result: BatchGradient) => void,
  ): Promise<void> {
    this.replica.sync(version);
    let firstRow = options.dropout?.firstRow ?? 0;
    for (const [batch, rows] of batches.entries()) {
      const gradient = this.scratch.fill(0);
      const dropout = options.dropout && { ...options.dropout, firstRow };
      const evaluate = (scores: Scores): Slopes | Promise<Slopes> => objective(batch, scores);
      const result = await this.replica.gradients(rows, evaluate, gradient, { ...options, dropout });
      take({ batch, ...result, gradient });
      firstRow += rows.length;
    }
  }

  dispose(): Promise<void> {
    this.replica.dispose();
    return Promise.resolve();
  }
}
