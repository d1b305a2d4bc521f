/** The estimators of this library, and the settings of each. One's own is made known by `registerEstimator` (docs/guides). */
import type { z } from "zod";
import { checked } from "../../base/index.js";
import { type Estimator, estimatorNamed, type NamedSettings, offer } from "./estimator.js";
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

offer(ESTIMATORS as unknown as readonly Estimator[]);

/**
 * Checks and completes the settings of the estimator that they name.
 * @param where what to call them in a message
 * @throws InputError for an unknown estimator, a setting that it does not know, or a value out of range
 */
export function parseAdvantage(value: NamedSettings, where: string): AdvantageSettings {
  return checked(estimatorNamed(value.estimator).settings, value, where) as AdvantageSettings;
}
