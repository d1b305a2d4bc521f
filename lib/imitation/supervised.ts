/** The supervised loss: weighted cross-entropy of the tokens that a teacher would write. */
import {
  crossEntropyLoss,
  type CrossEntropyLoss,
  type Sequence,
  type TokenScores,
} from "../objective/index.js";
import type { Policy } from "../policy/index.js";

/** One answer to learn, with a weight for each scored token. */
export interface TaughtCompletion {
  readonly ids: readonly number[];
  /** Which of its tokens are scored, one flag a token; all when absent. */
  readonly scored?: readonly boolean[];
  readonly weights: readonly number[];
}

/** A prompt with the answers to learn; weights over its tokens usually sum to 1. */
export interface TaughtRow {
  readonly prompt: readonly number[];
  readonly completions: readonly TaughtCompletion[];
  /** The task of the row, for the log. */
  readonly task: string;
  /** The row's weight beside rows of other tasks. */
  readonly weight: number;
}

/** An answer whose tokens count equally and together `total`. */
export function taught(ids: readonly number[], total = 1): TaughtCompletion {
  return { ids, weights: ids.map(() => total / ids.length) };
}

/** The answers as flat sequences, row after row. A row's own answers share its prompt; rows do not. */
export function sequencesOf(
  rows: readonly {
    readonly prompt: readonly number[];
    readonly completions: readonly Omit<TaughtCompletion, "weights">[];
  }[],
): Sequence[] {
  return rows.flatMap(({ prompt, completions }, packWith) =>
    completions.map(({ ids, scored }) => ({
      promptIds: prompt,
      responseIds: ids,
      packWith,
      ...(scored ? { scored } : {}),
    })),
  );
}

/** Mean over rows of −Σ w · log p, each row times its own weight; a sum over rows divided by the weights of all. */
export function supervisedLoss(rows: readonly TaughtRow[]): CrossEntropyLoss {
  const total = rows.reduce((sum, { weight }) => sum + weight, 0);
  return crossEntropyLoss(
    rows.flatMap(({ completions, weight }) =>
      completions.map(({ weights }) => ({ weights: weights.map((w) => (weight * w) / total) })),
    ),
  );
}

/** Scores of {@link sequencesOf} rows, collected row by row. `[row][completion]` */
export function byRow(
  rows: readonly { readonly completions: readonly unknown[] }[],
  scores: readonly TokenScores[],
): TokenScores[][] {
  let next = 0;
  return rows.map(({ completions }) => completions.map(() => scores[next++]!));
}

/** A policy's scores of every answer. `[row][completion]` */
export async function scoresOf(
  policy: Policy,
  rows: Parameters<typeof sequencesOf>[0],
): Promise<TokenScores[][]> {
  return byRow(rows, await policy.logProbs(sequencesOf(rows)));
}

/** −Σ w · log p of one row, without its weight. */
export function rowLoss(row: TaughtRow, scores: readonly TokenScores[]): number {
  let loss = 0;
  row.completions.forEach(({ weights }, c) =>
    weights.forEach((w, t) => (loss -= w * scores[c]!.logProbs[t]!)),
  );
  return loss;
}
