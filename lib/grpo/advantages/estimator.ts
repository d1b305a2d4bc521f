/**
 * An advantage estimator: the schema of its own settings, and one function from finished groups to a number for
 * every turn. The function that is read here is the one that trains; it is called by its name (`registry.ts`).
 */
import { z } from "zod";
import { InputError, RunError } from "../../base/index.js";
import type { Group, Metrics, Turn, TurnAdvantages } from "../types.js";

/**
 * How much a turn's score is lowered, at least 0, whatever it led to: for a broken form, or for a response that is too long. It stays in
 * the turn's own row: earlier rows do not pay for it.
 */
export type Penalty = (
  turn: Pick<Turn, "formatValid" | "admissible" | "truncated" | "responseIds">,
) => number;

export const noPenalty: Penalty = () => 0;

/** The inputs of an estimator beside the groups. */
export interface Given {
  /** Taken from a turn's score, whatever the turn led to. */
  readonly penalty: Penalty;
  /** A critic's value of every turn's state, for an estimator whose baseline is one. `[group][rollout][turn]` */
  readonly values?: readonly TurnAdvantages[];
}

/** Advantages, and the estimator's own numbers for the log. */
export interface Estimate {
  /** `[group][rollout][turn]` */
  readonly advantages: TurnAdvantages[];
  readonly metrics?: Metrics;
}

/** An estimator by its name in a configuration. `Settings` are its own and no other's; `estimator` in them is its name. */
export interface Estimator<Settings extends { readonly estimator: string } = { readonly estimator: string }> {
  readonly name: Settings["estimator"];
  /** Refuses every key that would change nothing; see {@link settingsOf}. */
  readonly settings: z.ZodType<Settings>;
  /**
   * The baseline of a return: the other roll-outs of its group, the whole batch, or a critic's values. A group of equal
   * returns is empty for the first only.
   */
  readonly baseline: "group" | "batch" | "critic";
  /** Whether the advantages are whitened over all tokens of the batch, once a KL charge is in them. Absent: never. */
  whitens?(settings: Settings): boolean;
  /** @throws InputError for a group that is too small, or a turn that lacks what the estimator reads */
  estimate(groups: readonly Group[], settings: Settings, given: Given): Estimate;
}

/** A strict schema whose refusal of a key says whose settings these are and which there are. */
export function settingsOf<Shape extends z.core.$ZodLooseShape>(
  whose: string,
  shape: Shape,
): z.ZodObject<Shape, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `${(issue["keys"] as string[]).join(", ")} would change nothing with ${whose}, which knows ${Object.keys(shape).join(", ")}`
        : undefined,
  });
}

/**
 * A score for every turn: the roll-out's return, less the turn's own penalty. Rows of one trajectory may therefore differ.
 * `[rollout][turn]`
 */
export function scoresOf({ rollouts }: Group, penalty: Penalty): number[][] {
  return rollouts.map((rollout) => rollout.turns.map((turn) => rollout.return - penalty(turn)));
}

/** @throws InputError for a group too small to be compared with itself. */
export function requireSeveral({ task, rollouts }: Group): void {
  if (rollouts.length < 2) {
    throw new InputError(
      `The group of "${task}" has ${rollouts.length} roll-out: its advantage is against the others, so it needs at least 2; raise groups.size.`,
    );
  }
}

/** @throws RunError naming the task, for a return or reward that is not a finite number. */
export function requireFinite(groups: readonly Group[]): void {
  for (const { task, rollouts } of groups) {
    for (const [i, rollout] of rollouts.entries()) {
      const rewards = rollout.turns.map(({ reward }) => reward);
      const bad = [rollout.return, ...rewards].find((value) => !Number.isFinite(value));
      if (bad === undefined) continue;
      throw new RunError(
        `Roll-out ${i} of the task "${task}" has the return ${rollout.return} and the rewards ${rewards.join(", ")}: ` +
          `an advantage needs finite ones. No weight was changed.`,
      );
    }
  }
}
