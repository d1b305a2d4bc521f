/**
 * How token losses become one number. Implementations differ here without saying so, so it is stated as data: every token
 * gets a weight, the loss is Σ weight·ℓ, and the weights are those of the whole mini-batch. Splitting the
 * mini-batch into micro-batches then cannot change the gradient.
 */
import type { Aggregation } from "./settings.js";

/** The properties of a row that aggregation uses. */
export interface CountedRow {
  /** Number of response tokens. */
  readonly tokens: number;
  /** False leaves the row out of the loss and of every denominator. */
  readonly counted: boolean;
  /** The group that the row came from, for `prompt-mean`. */
  readonly group: number;
  /** The roll-out that the row came from, for `rollout-mean-token-mean`. */
  readonly rollout: number;
}

/**
 * The weight of each token of a row in the loss. `[rows] → [rows]`
 *
 * - token-mean: 1/Σ tokens (DAPO, verl's default).
 * - seq-mean-token-mean: 1/(rows · tokens of the row) (the GRPO paper).
 * - seq-mean-token-sum: 1/rows.
 * - {constant: L}: 1/(rows · L) (Dr.GRPO).
 * - prompt-mean: 1/(groups · tokens of the group).
 * - rollout-mean-token-mean: 1/(roll-outs · tokens of the row).
 *
 * Rows that do not count have weight 0 and are in no denominator. All weights are 0 when nothing counts.
 */
export function tokenWeights(aggregation: Aggregation, rows: readonly CountedRow[]): number[] {
  const counted = rows.filter((row) => row.counted && row.tokens > 0);
  const weight = weighing(aggregation, counted);
  return rows.map((row) => (row.counted && row.tokens > 0 ? weight(row) : 0));
}

function weighing(aggregation: Aggregation, counted: readonly CountedRow[]): (row: CountedRow) => number {
  const rows = counted.length;
  if (typeof aggregation === "object") return () => 1 / (rows * aggregation.constant);
  switch (aggregation) {
    case "token-mean": {
      const total = counted.reduce((sum, row) => sum + row.tokens, 0);
      return () => 1 / total;
    }
    case "seq-mean-token-mean":
      return (row) => 1 / (rows * row.tokens);
    case "seq-mean-token-sum":
      return () => 1 / rows;
    case "prompt-mean": {
      const tokens = new Map<number, number>();
      for (const row of counted) tokens.set(row.group, (tokens.get(row.group) ?? 0) + row.tokens);
      return (row) => 1 / (tokens.size * tokens.get(row.group)!);
    }
    case "rollout-mean-token-mean": {
      const rollouts = new Set(counted.map((row) => row.rollout)).size;
      return (row) => 1 / (rollouts * row.tokens);
    }
  }
}
