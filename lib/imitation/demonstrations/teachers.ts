/** Who demonstrates the two decisions: the choice oracle, and shoppers who make mistakes. */
import { PROMPT_VERSION, queryPrompt, selectPrompt, withoutPrice } from "../../agents/index.js";
import { type Random, stream } from "../../base/index.js";
import { type Catalogue, type Goal, splitRanges } from "../../simulator/index.js";
import { rewardWithMatchedOptions } from "../purchases.js";
import { carefulQuery, carelessQuery } from "./queries.js";
import type { Demonstration, Provenance } from "./types.js";

export interface TeachOptions {
  /** How many of the split's goals are shown, in an order drawn from the seed; all when there are not as many. */
  readonly goals: number;
  /** Share of the goals shown by the choice oracle; shoppers show the rest. */
  readonly oracle: number;
  readonly seed: number;
  /** Default `train`. Test goals are never shown. */
  readonly split?: "train" | "dev";
}

/** The goals that are shown and by whom: a function of the seed. */
export function taughtGoals(
  catalogue: Catalogue,
  { goals, oracle, seed, split = "train" }: TeachOptions,
): { readonly goal: Goal; readonly teacher: "oracle" | "shopper" }[] {
  const { start, end } = splitRanges(catalogue.goalCount)[split];
  const all = Array.from({ length: end - start }, (_, i) => start + i);
  return stream(seed, "demonstrated goals", split)
    .shuffle(all)
    .slice(0, goals)
    .map((index) => ({
      goal: catalogue.goal(index),
      teacher: stream(seed, "teacher", index).next() < oracle ? "oracle" : "shopper",
    }));
}

/**
 * Demonstrations of the two decisions, in the order of `taughtGoals`.
 *
 * The oracle writes a careful query and picks a result with the highest reward. It picks from the results of a careless query,
 * too: a learner's own queries will not all be careful. The shopper writes a careless query and now and then takes a result
 * that merely looks good.
 */
export function* twoDecisionDemonstrations(
  catalogue: Catalogue & { readonly fingerprint: string },
  options: TeachOptions,
): Generator<Demonstration, void, undefined> {
  const { seed, split = "train" } = options;
  for (const { goal, teacher } of taughtGoals(catalogue, options)) {
    const random = stream(seed, "demonstration", goal.index);
    const careful = carefulQuery(goal);
    const first = teacher === "oracle" ? careful : carelessQuery(goal, random);
    const queries = teacher === "oracle" ? [careful, carelessQuery(goal, random)] : [first];
    const choices = queries.map((query) => choiceAmong(catalogue, goal, query, teacher, random));
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
      messages: [...queryPrompt(goal.instruction)],
      answer: first,
      from: from(choices[0]?.reward ?? null),
    };
    for (const choice of choices) {
      if (choice === null) continue;
      yield { task: "select", messages: choice.messages, answer: choice.answer, from: from(choice.reward) };
    }
  }
}

/** One choice among the first ten results of a query; null where there are none. */
function choiceAmong(
  catalogue: Catalogue,
  goal: Goal,
  query: string,
  teacher: "oracle" | "shopper",
  random: Random,
): { messages: Demonstration["messages"]; answer: string; reward: number } | null {
  const listed = catalogue.search(query, 10).map(({ index }) => index);
  if (listed.length === 0) return null;
  const rewards = listed.map((index) => rewardWithMatchedOptions(catalogue, index, goal));
  const at =
    teacher === "oracle"
      ? rewards.indexOf(Math.max(...rewards))
      : glance(catalogue, goal, listed, rewards, random);
  const products = listed.map((index) => catalogue.product(index));
  return {
    messages: [...selectPrompt(goal.instruction, query, products)],
    answer: String(at + 1),
    reward: rewards[at]!,
  };
}

/** What a person takes who reads from the top and is soon content: the first good enough one, and sometimes a bad one. */
function glance(
  catalogue: Catalogue,
  goal: Goal,
  listed: readonly number[],
  rewards: readonly number[],
  random: Random,
): number {
  if (random.next() < 0.1) return random.below(Math.min(3, listed.length));
  const asked = new Set(withoutPrice(goal.instruction).toLowerCase().split(/\W+/));
  const contentWith = 0.5 + 0.5 * random.next();
  const at = rewards.findIndex((reward, i) => {
    const words = catalogue.product(listed[i]!).title.toLowerCase().split(/\W+/);
    return reward >= contentWith && words.some((word) => asked.has(word));
  });
  return at >= 0 ? at : rewards.indexOf(Math.max(...rewards));
}
