/**
 * The thesis's protocol: an episode is two decisions, a query and a choice among the first ten results, and
 * the options follow by rule (docs/webshop.md). It is played on the real pages, click by click.
 */
import type { Random } from "../base/index.js";
import { type Environment, type Product, type RewardParts, rewardOf } from "../simulator/index.js";
import { clickAction, Episode, resultsOn, searchAction, withoutPrice } from "./episode.js";
import { chooseOptions, type OptionMode } from "./options.js";
import type { Selection } from "./prompts/index.js";
import type { Agent, Trajectory } from "./types.js";

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
  const episode = new Episode(environment, goal);
  const { instruction } = episode.goal;
  const query = (await decisions.query(instruction, random)).trim();
  const search = searchAction(query);
  if (search === searchAction("")) return episode.trajectory(agent);
  episode.act(search);
  const listed = resultsOn(environment, episode.state).slice(0, LISTED);
  if (listed.length === 0) return episode.trajectory(agent);

  const { index } = await decisions.select(instruction, query, listed, random);
  const product = listed[index]!;
  return purchase(episode, product, optionMode, agent);
}

/** Opens a listed product, chooses its options by rule and buys it: how every episode of the protocol ends. */
export function purchase(episode: Episode, product: Product, mode: OptionMode, agent: string): Trajectory {
  episode.act(clickAction(product.asin.toLowerCase()));
  for (const value of chooseOptions(product.options, withoutPrice(episode.goal.instruction), mode)) {
    episode.act(clickAction(value));
  }
  episode.act(clickAction("buy now"));
  const played = episode.trajectory(agent);
  if (mode !== "all-lists") return played;
  const parts = rewardOfAllLists(episode.environment, episode.goalIndex, product);
  return { ...played, parts, reward: parts?.total ?? 0 };
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
    undefined,
    (title) => environment.nounsOf(title),
  );
}
