/**
 * The thesis's protocol: an episode is two decisions, a query and a choice among the first ten results, and
 * the options follow by rule (docs/webshop.md). It is played on the real pages, click by click.
 */
import type { Random } from "../base/index.js";
import {
  type Environment,
  type Product,
  type RewardParts,
  rewardOf,
  type SessionState,
} from "../simulator/index.js";
import { chooseOptions, type OptionMode } from "./options.js";
import type { Selection } from "./prompts/index.js";
import type { Agent, Step, Trajectory } from "./types.js";

/** The two decisions, however they are made. */
export interface TwoDecisions {
  /** A search query for the instruction; "" ends the episode with nothing bought. */
  query(instruction: string, random: Random): string | Promise<string>;
  /** A position, from 0, in the listed products. */
  select(
    instruction: string,
    query: string,
    listed: readonly Product[],
    random: Random,
  ): Selection | Promise<Selection>;
}

/** Products shown to the selection: the first page of results. */
export const LISTED = 10;

/** An agent that takes the two decisions with `decisions` and the options by `optionMode`. */
export function twoDecisionAgent(
  agent: Pick<Agent, "name" | "settings" | "model">,
  decisions: TwoDecisions,
  optionMode: OptionMode = "match",
): Agent {
  return {
    ...agent,
    settings: { ...agent.settings, protocol: "two-decision", options: optionMode },
    play: (environment, goal, random) => play(environment, goal, random, agent.name, decisions, optionMode),
  };
}

async function play(
  environment: Environment,
  goal: number,
  random: Random,
  agent: string,
  decisions: TwoDecisions,
  optionMode: OptionMode,
): Promise<Trajectory> {
  const { catalogue } = environment;
  const instruction = catalogue.goal(goal).instruction;
  let state: SessionState = environment.reset({ goal });
  const steps: Step[] = [];
  const act = (action: string): void => {
    const observation = environment.observe(state);
    const result = environment.step(state, action);
    state = result.state;
    steps.push({ observation, action, reward: result.reward, valid: result.valid });
  };
  const nothing = (): Trajectory => ({ goal, agent, steps, reward: 0, parts: null });

  // A closing bracket would end the action early; a line break would make it no action at all.
  const query = (await decisions.query(instruction, random)).replace(/[[\]\r\n]+/g, " ").trim();
  if (query === "") return nothing();
  act(`search[${query}]`);
  const listed = listedProducts(environment, state);
  if (listed.length === 0) return nothing();

  const { index } = await decisions.select(instruction, query, listed, random);
  const product = listed[index]!;
  act(`click[${product.asin.toLowerCase()}]`);
  for (const value of chooseOptions(product.options, instruction, optionMode)) act(`click[${value}]`);
  act("click[buy now]");
  const parts = optionMode === "all-lists" ? rewardOfAllLists(environment, goal, product) : state.reward;
  return { goal, agent, steps, reward: parts?.total ?? 0, parts };
}

/** The products on a page of results, in order. */
export function listedProducts(environment: Environment, state: SessionState): Product[] {
  const { catalogue } = environment;
  return environment
    .actions(state)
    .click.map((text) => catalogue.indexOf(text.toUpperCase()))
    .filter((index) => index >= 0)
    .slice(0, LISTED)
    .map((index) => catalogue.product(index));
}

/**
 * The reward when every value of every option is handed over at once, as the thesis's code does. A "#" or "?" in a
 * value broke its address, so that the reward was never shown: 0.
 */
function rewardOfAllLists(environment: Environment, goal: number, product: Product): RewardParts | null {
  const { catalogue } = environment;
  if (product.options.some((group) => group.values.some((value) => /[#?]/.test(value)))) return null;
  const options = Object.fromEntries(product.options.map((group) => [group.name, group.values]));
  return rewardOf(
    { product, price: catalogue.price(catalogue.indexOf(product.asin)), options },
    catalogue.goal(goal),
  );
}
