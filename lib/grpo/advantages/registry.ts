/** Estimators by their name in a configuration: its settings are parsed here, and its function is called here, for training as for a look. */
import type { z } from "zod";
import { checked, InputError, sharedRegistry } from "../../base/index.js";
import type { Group, TurnAdvantages } from "../types.js";
import {
  type Estimate,
  type Estimator,
  type Given,
  noPenalty,
  type Penalty,
  requireFinite,
} from "./estimator.js";
import { gae } from "./gae.js";
import { gigpoEstimator } from "./gigpo.js";
import { groupRelative } from "./group-relative.js";
import { leaveOneOut } from "./leave-one-out.js";
import { reinforcePlusPlus } from "./reinforce-pp.js";

const ESTIMATORS = [groupRelative, leaveOneOut, reinforcePlusPlus, gigpoEstimator, gae] as const;

type Known = (typeof ESTIMATORS)[number]["settings"];
/** Settings of one estimator, told apart by `estimator`. Those of a registered one are its own, which the type cannot name. */
export type AdvantageSettings = z.output<Known>;
/** The same as it is written in a file: keys with defaults may be left out. */
export type AdvantageInput = z.input<Known>;

// A function's parameter is narrower than the map's: a name leads to the settings that it parsed.
const byName = sharedRegistry<Estimator>("estimators", () =>
  ESTIMATORS.map((one) => [one.name, one as unknown as Estimator]),
);

/**
 * Makes an estimator of one's own known by its name, before a configuration that names it is parsed.
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
 * Checks and completes the settings of the estimator that they name.
 * @param where what to call them in a message
 * @throws InputError for an unknown estimator, a setting that it does not know, or a value out of range
 */
export function parseAdvantage(
  value: { readonly estimator: string; readonly [setting: string]: unknown },
  where: string,
): AdvantageSettings {
  return checked(estimatorNamed(value.estimator).settings, value, where) as AdvantageSettings;
}

/**
 * Estimates the advantages of all groups of an iteration by the estimator that the settings name. With one that whitens they
 * are not yet whitened: that is over tokens, so it waits for the rows (`whitenRows`).
 * @throws InputError for a group that is too small for the estimator
 * @throws RunError for a return that is not finite, naming the task
 */
export function estimateAdvantages(
  groups: readonly Group[],
  settings: AdvantageSettings,
  given: Given,
): Estimate {
  requireFinite(groups);
  return estimatorNamed(settings.estimator).estimate(groups, settings, given);
}

/** {@link estimateAdvantages} without the estimator's metrics. `[group][rollout][turn]` */
export function advantagesOf(
  groups: readonly Group[],
  settings: AdvantageSettings,
  penalty: Penalty = noPenalty,
): TurnAdvantages[] {
  return estimateAdvantages(groups, settings, { penalty }).advantages;
}

/** Whether advantages by these settings are whitened over all tokens of the batch. */
export function whitens(settings: AdvantageSettings): boolean {
  return estimatorNamed(settings.estimator).whitens?.(settings) ?? false;
}
