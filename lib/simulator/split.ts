import { createHash } from "node:crypto";
import { InputError } from "../base/index.js";
import type { Goal, SplitName } from "./types.js";

/** Goals in the test and development sets of a full-size shop. */
const TEST = 500;
const DEV = 1000;
/** From this many goals on, the split is WebShop's; below it, the same three parts shrink in proportion. */
const FULL = 2 * (TEST + DEV);

/** Half-open ranges of goal indices. */
export type SplitRanges = Readonly<Record<SplitName, { readonly start: number; readonly end: number }>>;

/**
 * The fixed split of a shuffled goal list: test 0–499, dev 500–1499, train from 1500 on, as in WebShop's paper.
 * A list of fewer than 3,000 goals is cut at the same proportions, a sixth, a third and a half, rounded up in favour of
 * test and then dev.
 */
export function splitRanges(goalCount: number): SplitRanges {
  const test = goalCount >= FULL ? TEST : Math.ceil(goalCount / 6);
  const dev = goalCount >= FULL ? DEV : Math.min(Math.ceil(goalCount / 3), goalCount - test);
  return {
    test: { start: 0, end: test },
    dev: { start: test, end: test + dev },
    train: { start: test + dev, end: goalCount },
  };
}

/** The split that a goal belongs to. */
export function splitOf(index: number, goalCount: number): SplitName {
  const { test, dev } = splitRanges(goalCount);
  return index < test.end ? "test" : index < dev.end ? "dev" : "train";
}

/**
 * A hash over every goal in order, with all that rewards depend on, and over the split's borders. Two lists with the
 * same hash have the same goals in the same split.
 */
export function splitHash(goals: Iterable<Goal>): string {
  const hash = createHash("sha256");
  let count = 0;
  for (const goal of goals) {
    if (goal.index !== count) {
      throw new InputError(
        `Goal ${count} of the list is numbered ${goal.index}: the goals are out of order.`,
      );
    }
    const { asin, instruction, attributes, options, priceUpper } = goal;
    hash.update(`${JSON.stringify([asin, instruction, attributes, options, priceUpper])}\n`);
    count++;
  }
  hash.update(JSON.stringify(splitRanges(count)));
  return hash.digest("hex");
}

/**
 * Checks, whenever a catalogue is opened, that its goals are the ones that were split when it was built.
 * @throws InputError when they are not: results on such a list could hold test goals among the training goals.
 */
export function checkSplit(goals: Iterable<Goal>, expected: string): void {
  const found = splitHash(goals);
  if (found !== expected) {
    throw new InputError(
      `The goals are not those that were split (hash ${found.slice(0, 12)}, expected ${expected.slice(0, 12)}): ` +
        "build the catalogue again.",
    );
  }
}
