/** Who demonstrates the two decisions: the choice oracle, people who read the list, and shoppers who make mistakes. */
import {
  aloudAnswer,
  LISTINGS,
  type ListingText,
  priceBound,
  PROMPT_VERSION,
  type SelectQuestion,
  TwoDecisionPlay,
  VERDICTS,
  verdictOf,
} from "../../agents/index.js";
import { type Random, stream } from "../../base/index.js";
import {
  type Catalogue,
  type Environment,
  type Goal,
  openEnvironment,
  splitRanges,
} from "../../simulator/index.js";
import { rewardOfMatched } from "../reward-of-purchase.js";
import { carelessQuery, plainQuery } from "./queries.js";
import type { Demonstration, Provenance } from "./types.js";

/**
 * - `oracle`: WebShop's choice oracle, which sees the hidden reward;
 * - `reader`: sees what a person sees, and takes the first result whose price is within the instruction's;
 * - `shopper`: a person who makes mistakes.
 */
export type Teacher = "oracle" | "reader" | "shopper";

export interface TeachOptions {
  /** How many of the split's goals are shown, in an order drawn from the seed; all when there are not as many. */
  readonly goals: number;
  /** Fraction of the goals shown by the choice oracle. */
  readonly oracle: number;
  /** Fraction of the goals shown by readers; shoppers show the rest. Default 0. */
  readonly reader?: number;
  /** Fraction of a shopper's queries that are careless. Default 0.2. */
  readonly careless?: number;
  /** Fraction of a shopper's choices that are hasty: any of the first three results. Default 0.05. */
  readonly hasty?: number;
  /** Shows choices read aloud, too, of what such a list tells. Default: none. */
  readonly aloud?: ListingText | "either";
  readonly seed: number;
  /** Default `train`. Test goals are never shown. */
  readonly split?: "train" | "dev";
}

/** The goals that are shown and by whom: a function of the seed. */
export function taughtGoals(
  catalogue: Catalogue,
  { goals, oracle, reader = 0, seed, split = "train" }: TeachOptions,
): { readonly goal: Goal; readonly teacher: Teacher }[] {
  const { start, end } = splitRanges(catalogue.goalCount)[split];
  const all = Array.from({ length: end - start }, (_, i) => start + i);
  return stream(seed, "demonstrated goals", split)
    .shuffle(all)
    .slice(0, goals)
    .map((index) => {
      const at = stream(seed, "teacher", index).next();
      const teacher = at < oracle ? "oracle" : at < oracle + reader ? "reader" : "shopper";
      return { goal: catalogue.goal(index), teacher };
    });
}

/**
 * Demonstrations of the two decisions, in the order of `taughtGoals`.
 *
 * The oracle searches for all that the instruction says and picks a result with the highest reward; the reader searches for the
 * same and picks the first result that can be afforded. Both pick from the results of careless queries, too: a learner's own
 * queries will not all be careful. The shopper types a plain query or, with probability `careless`, a careless one,
 * reads from the top and takes the first result that will do or, with probability `hasty`, any of the first three.
 */
export function* twoDecisionDemonstrations(
  catalogue: Catalogue & { readonly fingerprint: string },
  options: TeachOptions,
): Generator<Demonstration, void, undefined> {
  const { seed, split = "train", careless: carelessFraction = 0.2, hasty = 0.05 } = options;
  const environment = openEnvironment(catalogue);
  for (const { goal, teacher } of taughtGoals(catalogue, options)) {
    const random = stream(seed, "demonstration", goal.index);
    const plain = plainQuery(goal);
    const careless = carelessQuery(goal, random);
    const first = teacher !== "shopper" || random.next() < 1 - carelessFraction ? plain : careless;
    const others =
      teacher === "oracle" ? [careless] : teacher === "reader" ? [careless, carelessQuery(goal, random)] : [];
    const choices = [
      choiceAmong(environment, goal, first, teacher, random, hasty),
      ...others
        .map((query) => choiceAmong(environment, goal, query, teacher, random, hasty))
        // Most lists begin with what a reader can afford: those teach no reading, and one of them is enough.
        .filter((choice) => teacher !== "reader" || (choice !== null && choice.answer !== "1")),
    ];
    let step = 0;
    const from = (reward: number | null): Provenance => ({
      teacher,
      source: catalogue.fingerprint,
      goal: goal.index,
      split,
      step: step++,
      seed,
      reward,
      prompts: PROMPT_VERSION,
    });
    yield {
      task: "query",
      messages: [...new TwoDecisionPlay(environment, goal.index).ask()!.prompt],
      answer: first,
      from: from(choices[0]?.reward ?? null),
    };
    for (const choice of choices) {
      if (choice === null) continue;
      yield { task: "select", messages: choice.messages, answer: choice.answer, from: from(choice.reward) };
    }
    if (options.aloud === undefined) continue;
    for (const query of [plain, careless]) {
      const read = readAloud(
        environment,
        goal,
        query,
        options.aloud,
        stream(seed, "aloud", goal.index, query),
      );
      if (read) yield { task: "aloud", ...read.shown, from: { ...from(read.reward), teacher: "oracle" } };
    }
  }
}

/** One choice among the results that an episode lists after a query; null where there are none. */
function choiceAmong(
  environment: Environment,
  goal: Goal,
  query: string,
  teacher: Teacher,
  random: Random,
  hasty: number,
): { messages: Demonstration["messages"]; answer: string; reward: number } | null {
  const { catalogue } = environment;
  const play = new TwoDecisionPlay(environment, goal.index);
  play.ask();
  play.answer({ text: query });
  const asked = play.ask() as SelectQuestion | null;
  if (asked === null) return null;
  const listed = asked.listed.map(({ asin }) => catalogue.indexOf(asin));
  const rewards = listed.map((index) => rewardOfMatched(catalogue, index, goal));
  const at =
    teacher === "oracle"
      ? rewards.indexOf(Math.max(...rewards))
      : teacher === "reader"
        ? firstAffordable(catalogue, goal, listed)
        : glance(catalogue, goal, listed, rewards, random, hasty);
  return {
    messages: [...asked.prompt],
    answer: String(at + 1),
    reward: rewards[at]!,
  };
}

/**
 * How the choice oracle reads a query's results aloud, in an order drawn at random: a verdict by the reward of each, then the first of the
 * best. Null where there are no results.
 */
function readAloud(
  environment: Environment,
  goal: Goal,
  query: string,
  list: ListingText | "either",
  random: Random,
): { shown: Pick<Demonstration, "messages" | "given" | "answer">; reward: number } | null {
  const { catalogue } = environment;
  const play = new TwoDecisionPlay(environment, goal.index, {
    reading: "aloud",
    listing: list === "either" ? random.pick(LISTINGS) : list,
    order: (count) => random.shuffle(Array.from({ length: count }, (_, i) => i)),
  });
  play.ask();
  play.answer({ text: query });
  const asked = play.ask() as SelectQuestion | null;
  if (asked === null) return null;
  const rewards = asked.listed.map(({ asin }) => rewardOfMatched(catalogue, catalogue.indexOf(asin), goal));
  const verdicts = rewards.map(verdictOf);
  const at = verdicts.indexOf(Math.max(...verdicts));
  const words = [...verdicts.map((verdict) => VERDICTS[verdict]!), String(at + 1)];
  return {
    shown: { messages: [...asked.prompt], given: [...asked.given!], answer: aloudAnswer(words) },
    reward: rewards[at]!,
  };
}

/** Which of the listed products are shown at a price that the instruction accepts. */
function affordable(catalogue: Catalogue, { instruction }: Goal, listed: readonly number[]): boolean[] {
  const bound = priceBound(instruction);
  return listed.map((index) => shownPrice(catalogue.product(index).pricing) <= bound);
}

/** A price as a listing shows it: a range's mean. */
export function shownPrice(pricing: readonly number[]): number {
  return pricing.reduce((sum, price) => sum + price, 0) / pricing.length;
}

/** The first of the listed products that can be afforded, from 0; the first of all where none can. */
export function firstAffordable(catalogue: Catalogue, goal: Goal, listed: readonly number[]): number {
  return Math.max(0, affordable(catalogue, goal, listed).indexOf(true));
}

/** The least reward of a product that a shopper is content with. */
const WILL_DO = 0.3;

/** The choice of a person who reads from the top: the first result that can be afforded and will do; now and then a hasty one. */
function glance(
  catalogue: Catalogue,
  goal: Goal,
  listed: readonly number[],
  rewards: readonly number[],
  random: Random,
  hasty: number,
): number {
  if (random.next() < hasty) return random.below(Math.min(3, listed.length));
  const within = affordable(catalogue, goal, listed);
  const at = rewards.findIndex((reward, i) => within[i]! && reward >= WILL_DO);
  return at >= 0 ? at : Math.max(0, within.indexOf(true));
}
