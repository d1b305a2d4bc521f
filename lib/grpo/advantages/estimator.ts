/**
 * An advantage estimator: the schema of its own settings, and one function from finished groups to a number for every turn, which is called
 * by its name; below it the numbers of a group that estimators share. The function that is read in an estimator's file is the one that
 * trains.
 */
import { z } from "zod";
import { InputError, RunError, sharedRegistry } from "../../base/index.js";
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

/** Settings of the estimator that they name; each one's own are checked by its schema. */
export interface NamedSettings {
  readonly estimator: string;
  readonly [setting: string]: unknown;
}

// A function's parameter is narrower than the map's: a name leads to the settings that it parsed.
const byName = sharedRegistry<Estimator>("estimators", () => []);

/** Makes this library's own known; a second loading of the library finds those of the first. */
export function offer(estimators: readonly Estimator[]): void {
  for (const one of estimators) if (!byName.has(one.name)) byName.set(one.name, one);
}

/**
 * Makes an estimator known by its name, before a configuration that names it is parsed.
 * @throws InputError for a name that is taken
 */
export function registerEstimator<Settings extends { readonly estimator: string }>(
  estimator: Estimator<Settings>,
): void {
  if (byName.has(estimator.name)) throw new InputError(`There is an estimator "${estimator.name}" already.`);
  byName.set(estimator.name, estimator as unknown as Estimator);
}

/** @throws InputError for a name that is none, with those that are. */
export function estimatorNamed(name: string): Estimator {
  const found = byName.get(name);
  if (found) return found;
  throw new InputError(`There is no estimator "${name}"; there are ${[...byName.keys()].join(", ")}.`);
}

/**
 * Estimates the advantages of all groups of an iteration by the estimator that the settings name. With one that whitens they
 * are not yet whitened: that is over tokens, so it waits for the rows (`whitenRows`).
 * @throws InputError for a group that is too small for the estimator
 * @throws RunError for a return that is not finite, naming the task
 */
export function estimateAdvantages(
  groups: readonly Group[],
  settings: NamedSettings,
  given: Given,
): Estimate {
  requireFinite(groups);
  return estimatorNamed(settings.estimator).estimate(groups, settings, given);
}

/** {@link estimateAdvantages} without the estimator's metrics. `[group][rollout][turn]` */
export function advantagesOf(
  groups: readonly Group[],
  settings: NamedSettings,
  penalty: Penalty = noPenalty,
): TurnAdvantages[] {
  return estimateAdvantages(groups, settings, { penalty }).advantages;
}

/** Whether advantages by these settings are whitened over all tokens of the batch. */
export function whitens(settings: NamedSettings): boolean {
  return estimatorNamed(settings.estimator).whitens?.(settings) ?? false;
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

/** Arithmetic mean. @throws RangeError for an empty list. */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("The mean of no values is not defined.");
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** Standard deviation; `sample` divides by n − 1 (verl, TRL), `population` by n. 0 for fewer than two values. */
export function deviation(values: readonly number[], kind: "sample" | "population" = "sample"): number {
  if (values.length < 2) return 0;
  const average = mean(values);
  let sum = 0;
  for (const value of values) sum += (value - average) ** 2;
  return Math.sqrt(sum / (kind === "sample" ? values.length - 1 : values.length));
}

/**
 * The divisor of the scores of a group's rows: the deviation of the baseline's values. Where those are all equal, what differs are
 * the rows' penalties alone, and theirs is taken: divided by 0 + ε, one broken answer would outweigh everything else.
 */
export function rowDeviation(
  baseline: readonly number[],
  rows: readonly number[],
  kind: "sample" | "population" = "sample",
): number {
  return deviation(isConstant(baseline) ? rows : baseline, kind);
}

/** Whether a group's values differ by less than a rounding error: compared by range, since a mean of equal floats may differ from them. */
export function isConstant(values: readonly number[], tolerance = 1e-6): boolean {
  return Math.max(...values) - Math.min(...values) <= tolerance;
}

/** Whether every roll-out of a group came to the same return, so that comparing them teaches nothing. */
export function hasZeroVariance(group: Group): boolean {
  return isConstant(group.rollouts.map((rollout) => rollout.return));
}
