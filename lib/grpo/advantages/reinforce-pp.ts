/**
 * REINFORCE++: no group, one baseline for the whole batch.
 *
 *   G_t = r_t + γ G_{t+1}                              the turn's discounted return, less its penalty
 *   G  ← G − β Σ_{u≥t} (log π_old − log π_ref)_u       where a KL term charges the reward (`chargeKl`), token by token
 *   A   = (G − mean_batch) · 1/√(var_batch + 1e-8)     over all counted tokens, variance with Bessel's correction
 *
 * Hu 2025, arXiv:2501.03262. The variant "-baseline" is the group's mean with scale "batch" (`group-relative.ts`).
 */
import { z } from "zod";
import type { Row } from "../types.js";
import { mean, type Estimator, settingsOf } from "./estimator.js";

const settings = settingsOf("estimator reinforce-pp", {
  estimator: z.literal("reinforce-pp"),
  /** γ of the discounted return. */
  gamma: z.number().min(0).max(1).default(1),
});

export const reinforcePlusPlus = {
  name: "reinforce-pp",
  settings,
  baseline: "batch",
  whitens: () => true,
  estimate: (groups, { gamma }, { penalty }) => ({
    advantages: groups.map(({ rollouts }) =>
      rollouts.map(({ turns }) =>
        discountedReturns(
          turns.map((turn) => turn.reward - penalty(turn)),
          gamma,
        ),
      ),
    ),
  }),
} satisfies Estimator<z.output<typeof settings>>;

/** Running returns of one sequence of rewards. `[t] → [t]` */
export function discountedReturns(rewards: readonly number[], gamma: number): number[] {
  const returns = new Array<number>(rewards.length);
  let following = 0;
  for (let t = rewards.length - 1; t >= 0; t--) returns[t] = following = rewards[t]! + gamma * following;
  return returns;
}

/** Whitens values over the whole batch. All 0 for fewer than two. `[n] → [n]` */
export function whiten(values: readonly number[]): number[] {
  if (values.length < 2) return values.map(() => 0);
  const average = mean(values);
  let squares = 0;
  for (const value of values) squares += (value - average) ** 2;
  const scale = 1 / Math.sqrt(squares / (values.length - 1) + 1e-8);
  return values.map((value) => (value - average) * scale);
}

/** Whitens the advantages over all tokens of the rows that count; the others stay as they are. */
export function whitenRows(rows: readonly Row[]): Row[] {
  const white = whiten(rows.flatMap((row) => (row.counted ? row.advantages : [])));
  let next = 0;
  return rows.map((row) =>
    row.counted ? { ...row, advantages: row.advantages.map(() => white[next++]!) } : row,
  );
}
