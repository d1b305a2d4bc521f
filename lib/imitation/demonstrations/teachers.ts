/** Who demonstrates the two decisions: the choice oracle, and shoppers who make mistakes. */
import { priceBound, PROMPT_VERSION, queryPrompt, selectPrompt } from "../../agents/index.js";
import { type Random, stream } from "../../base/index.js";
import { type Catalogue, type Goal, splitRanges } from "../../simulator/index.js";
import { rewardWithMatchedOptions } from "../purchases.js";
import { carelessQuery, plainQuery } from "./queries.js";
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
 * The oracle searches for all that the instruction says and picks a result with the highest reward. It picks from the results of a
 * careless query, too: a learner's own queries will not all be careful. The shopper types a plain query four times in five and else
 * a careless one, reads from the top and takes the first result that will do.
 */
export function* twoDecisionDemonstrations(
  catalogue: Catalogue & { readonly fingerprint: string },
  options: TeachOptions,
): Generator<Demonstration, void, undefined> {
  const { seed, split = "train" } = options;
  for (const { goal, teacher } of taughtGoals(catalogue, options)) {
    const random = stream(seed, "demonstration", goal.index);
    const plain = plainQuery(goal);
    const careless = carelessQuery(goal, random);
    const first = teacher === "oracle" || random.next() < 0.8 ? plain : careless;
    const queries = teacher === "oracle" ? [plain, careless] : [first];
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

/** What will do: a price within the instruction's, and not a disappointment. */
const WILL_DO = 0.3;

/** What a person takes who reads from the top: the first result that can be afforded and will do; now and then a hasty one. */
function glance(
  catalogue: Catalogue,
  goal: Goal,
  listed: readonly number[],
  rewards: readonly number[],
  random: Random,
): number {
  if (random.next() < 0.05) return random.below(Math.min(3, listed.length));
  const bound = priceBound(goal.instruction);
  const affordable = listed.map((index) => {
    const { pricing } = catalogue.product(index);
    return pricing.reduce((sum, price) => sum + price, 0) / pricing.length <= bound;
  });
  const at = rewards.findIndex((reward, i) => affordable[i]! && reward >= WILL_DO);
  return at >= 0 ? at : Math.max(0, affordable.indexOf(true));
}
