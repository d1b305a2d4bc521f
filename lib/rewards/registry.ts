/** Reward terms by their name in a configuration. */
import { checked, InputError, sharedRegistry } from "../base/index.js";
import { format } from "./format.js";
import { length } from "./length.js";
import { score } from "./score.js";
import { success } from "./success.js";
import type { RewardTerm } from "./term.js";

// A function's parameter is narrower than the map's: a name leads to the settings that it parsed.
const byName = sharedRegistry<RewardTerm>("rewards", () =>
  [score, success, format, length].map((one) => [one.name, one as unknown as RewardTerm]),
);

/**
 * Makes a term of one's own known by its name, before a configuration that names it is parsed.
 * @throws InputError for a name that is taken
 */
export function registerReward<Settings extends object>(term: RewardTerm<Settings>): void {
  if (byName.has(term.name)) throw new InputError(`There is a reward term "${term.name}" already.`);
  byName.set(term.name, term as unknown as RewardTerm);
}

/** Names of all reward terms. */
export function rewardNames(): string[] {
  return [...byName.keys()];
}

/** A term with its settings, checked and complete. */
export interface ChosenTerm {
  readonly term: RewardTerm;
  readonly settings: object;
}

/**
 * @param where what to call it in a message
 * @throws InputError for a name that is none, or settings that the term does not know
 */
export function chosenTerm(name: string, settings: unknown, where: string): ChosenTerm {
  const term = byName.get(name);
  if (!term) {
    throw new InputError(
      `In ${where}: there is no reward term "${name}"; there are ${rewardNames().join(", ")}.`,
    );
  }
  return { term, settings: checked(term.settings, settings, `${where}, ${name}`) };
}
