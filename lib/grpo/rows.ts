/** From groups and their advantages to training rows, and from rows to what shares a prompt. */
import type { GrpoConfig } from "./config.js";
import { hasZeroVariance } from "./advantage.js";
import type { Group, Row, TurnAdvantages } from "./types.js";

/**
 * One row for each turn, roll-out after roll-out. With `queryBySelection` each turn but the last is weighted by the
 * probability of its roll-out's last turn (the thesis: the query's loss by the selection's probability).
 *
 * A row does not count when its response was cut and `truncated` is "mask", or its group's returns are all equal
 * and `zeroVariance` is not "keep": it is then left out of the loss and of every denominator.
 */
export function rowsOf(
  groups: readonly Group[],
  advantages: readonly TurnAdvantages[],
  config: Pick<GrpoConfig, "objective" | "groups" | "reward">,
): Row[] {
  const rows: Row[] = [];
  let rollouts = 0;
  groups.forEach((group, g) => {
    const empty = config.groups.zeroVariance !== "keep" && hasZeroVariance(group);
    group.rollouts.forEach((rollout, i) => {
      const last = rows.length + rollout.turns.length - 1;
      rollout.turns.forEach((turn, t) => {
        const advantage = advantages[g]![i]![t]!;
        const companion = config.objective.queryBySelection && t < rollout.turns.length - 1;
        rows.push({
          promptIds: turn.promptIds,
          responseIds: turn.responseIds,
          oldLogProbs: turn.oldLogProbs,
          advantages: turn.responseIds.map(() => advantage),
          counted: !empty && !(turn.truncated && config.reward.truncated === "mask"),
          group: g,
          rollout: rollouts,
          ...(companion ? { weightedBy: last } : {}),
        });
      });
      rollouts += 1;
    });
  });
  return rows;
}

/** Rows that share a prompt: the prompt once, and the rows whose responses continue it. */
export interface SharedPrompt {
  readonly promptIds: readonly number[];
  /** Positions in the list of rows. */
  readonly rows: readonly number[];
}

/** Gathers rows by prompt, in order of first appearance: what the policy packs into one sequence. */
export function sharedPrompts(rows: readonly Pick<Row, "promptIds">[]): SharedPrompt[] {
  const byPrompt = new Map<string, { promptIds: readonly number[]; rows: number[] }>();
  rows.forEach((row, i) => {
    const key = row.promptIds.join(",");
    const found = byPrompt.get(key);
    if (found) found.rows.push(i);
    else byPrompt.set(key, { promptIds: row.promptIds, rows: [i] });
  });
  return [...byPrompt.values()];
}
