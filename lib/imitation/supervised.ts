/** The supervised loss: weighted cross-entropy of the tokens that a teacher would write. */
import type { Completion, Objective, Row, Scores, Slopes } from "../policy/index.js";

/** One answer to learn, with a weight for each scored token. */
export interface TaughtCompletion extends Completion {
  readonly weights: readonly number[];
}

/** A prompt with the answers to learn; weights over its tokens usually sum to 1. */
export interface TaughtRow extends Row<TaughtCompletion> {
  /** What the row teaches, for the log. */
  readonly task: string;
  /** The row's share beside rows of other tasks. */
  readonly weight: number;
}

/** An answer whose tokens count equally and together `total`. */
export function taught(ids: readonly number[], total = 1): TaughtCompletion {
  return { ids, weights: ids.map(() => total / ids.length) };
}

/** Mean over rows of −Σ w · log p, each row times its own weight; a sum over rows divided by the weights of all. */
export function supervisedLoss(rows: readonly TaughtRow[]): Objective {
  const total = rows.reduce((sum, { weight }) => sum + weight, 0);
  return (positions: readonly number[], scores: Scores): Slopes => {
    let loss = 0;
    const logProbs = positions.map((position, i) => {
      const { completions, weight } = rows[position]!;
      return completions.map(({ weights }, c) =>
        weights.map((w, t) => {
          const share = (weight * w) / total;
          loss -= share * scores[i]![c]!.logProbs[t]!;
          return -share;
        }),
      );
    });
    return { loss, logProbs };
  };
}

/** −Σ w · log p of one row, without its weight. */
export function rowLoss(row: TaughtRow, scores: Scores[number]): number {
  let loss = 0;
  row.completions.forEach(({ weights }, c) =>
    weights.forEach((w, t) => (loss -= w * scores[c]!.logProbs[t]!)),
  );
  return loss;
}
