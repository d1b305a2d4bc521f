/** Episodes without a detour: a query, a product of the first page of results, its options, the purchase. */
import {
  chooseOptions,
  clickAction,
  Episode,
  LISTED,
  resultsOn,
  searchAction,
  withoutPrice,
} from "../../agents/index.js";
import type { Environment } from "../../simulator/index.js";
import { rewardOfMatched } from "../reward-of-purchase.js";
import { plainQuery } from "./queries.js";
import { firstAffordable } from "./teachers.js";

/**
 * The actions of an episode that takes the same decisions as the `query` and `select` demonstrations of its teacher, and clicks
 * the options that match the instruction. Only the search where it finds nothing.
 */
export function directEpisode(
  environment: Environment,
  goal: number,
  teacher: "oracle" | "reader",
): readonly string[] {
  const { catalogue } = environment;
  const episode = new Episode(environment, goal);
  const actions = [searchAction(plainQuery(episode.goal))];
  episode.act(actions[0]!);
  const listed = resultsOn(environment, episode.state).slice(0, LISTED);
  if (listed.length === 0) return actions;
  const indices = listed.map(({ asin }) => catalogue.indexOf(asin));
  const rewards = indices.map((index) => rewardOfMatched(catalogue, index, episode.goal));
  const at =
    teacher === "oracle"
      ? rewards.indexOf(Math.max(...rewards))
      : firstAffordable(catalogue, episode.goal, indices);
  const { asin, options } = listed[at]!;
  const values = chooseOptions(options, withoutPrice(episode.goal.instruction), "match");
  return [...actions, ...[asin.toLowerCase(), ...values, "buy now"].map((text) => clickAction(text))];
}
