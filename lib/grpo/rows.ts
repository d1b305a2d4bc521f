/** From groups and their advantages to training rows. */
import { hasZeroVariance } from "./advantages/index.js";
import type { GrpoConfig } from "./config.js";
import type { Group, Row, Turn, TurnAdvantages } from "./types.js";

/** The number of a response's tokens that were sampled. */
export function sampledLength({ responseIds, scored }: Pick<Turn, "responseIds" | "scored">): number {
  return scored ? scored.filter(Boolean).length : responseIds.length;
}

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
        const weighted = config.objective.queryBySelection && t < rollout.turns.length - 1;
        rows.push({
          promptIds: turn.promptIds,
          responseIds: turn.responseIds,
          oldLogProbs: turn.oldLogProbs,
          ...(turn.scored === undefined ? {} : { scored: turn.scored }),
          advantages: Array.from({ length: sampledLength(turn) }, () => advantage),
          counted: !empty && !(turn.truncated && config.reward.truncated === "mask"),
          group: g,
          rollout: rollouts,
          task: group.task,
          ...(turn.sharedTokens === undefined ? {} : { sharedTokens: turn.sharedTokens }),
          ...(weighted ? { weightedBy: last } : {}),
        });
      });
      rollouts += 1;
    });
  });
  return rows;
}

/**
 * KL in the reward: each token is charged β·k1 of itself and of what follows in its response,
 * A_t ← A_t − β Σ_{u≥t} (log π_old − log π_ref)_u.
 * @param reference log-probabilities under the reference. `[row][token]`
 */
export function chargeKl(
  rows: readonly Row[],
  reference: readonly (readonly number[])[],
  coefficient: number,
): Row[] {
  return rows.map((row, i) => {
    const advantages = [...row.advantages];
    let charge = 0;
    for (let t = advantages.length - 1; t >= 0; t--) {
      charge += coefficient * (row.oldLogProbs[t]! - reference[i]![t]!);
      advantages[t]! -= charge;
    }
    return { ...row, advantages };
  });
}
