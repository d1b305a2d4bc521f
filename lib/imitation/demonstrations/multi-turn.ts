/** Demonstrations of the multi-turn protocol: whole episodes, a prompt for each step. */
import {
  chooseOptions,
  clickAction,
  Episode,
  findBest,
  MULTI_TURN_PROMPT_VERSION,
  type MultiTurnForm,
  MultiTurnPlay,
  OracleAgent,
  PLAIN_FORM,
  searchAction,
  withoutPrice,
} from "../../agents/index.js";
import { type Random, stream } from "../../base/index.js";
import { type Catalogue, type Environment, openEnvironment } from "../../simulator/index.js";
import { rewardOfMatched } from "../reward-of-purchase.js";
import { carefulQuery, carelessQuery } from "./queries.js";
import { directEpisode } from "./direct-episode.js";
import { taughtGoals, type TeachOptions } from "./teachers.js";
import type { Demonstration } from "./types.js";

/** The steps of one episode, played again on the real pages, as demonstrations in the form that is asked for. */
export function multiTurnDemonstrationsOf(
  environment: Environment,
  goal: number,
  actions: readonly string[],
  from: Pick<Demonstration["from"], "teacher" | "split" | "seed">,
  form: MultiTurnForm = PLAIN_FORM,
): Demonstration[] {
  const { catalogue } = environment;
  const play = new MultiTurnPlay(environment, goal, { form });
  const prompts = actions.map((action) => {
    const question = play.ask();
    if (!question) throw new RangeError(`The episode of goal ${goal} was over before ${action}.`);
    play.take(action);
    return question.prompt;
  });
  const { reward } = play.trajectory(from.teacher);
  return prompts.map((messages, step) => ({
    task: "act",
    messages: [...messages],
    answer: `<action>${actions[step]!}</action>`,
    from: {
      ...from,
      source: catalogue.fingerprint,
      goal,
      step,
      reward,
      prompts: MULTI_TURN_PROMPT_VERSION,
    },
  }));
}

/** Episodes of the teachers of `taughtGoals`, step by step. */
export function* multiTurnDemonstrations(
  catalogue: Catalogue,
  options: TeachOptions,
): Generator<Demonstration> {
  const environment = openEnvironment(catalogue);
  const { seed, split = "train" } = options;
  for (const { goal, teacher } of taughtGoals(catalogue, options)) {
    const actions =
      teacher === "shopper"
        ? shop(environment, goal.index, stream(seed, "shopper", goal.index))
        : directEpisode(environment, goal.index, teacher);
    yield* multiTurnDemonstrationsOf(environment, goal.index, actions, { teacher, split, seed });
  }
}

/** A person puts up with this many searches. */
const SEARCHES = 3;

/**
 * The actions of a person who shops: a careless query first and a fuller one when nothing pleases, a product opened that is
 * not it and left again, a look at a page that was not needed, and a purchase in the end.
 */
export function shop(environment: Environment, goal: number, random: Random): string[] {
  const { catalogue } = environment;
  const wish = catalogue.goal(goal);
  const episode = new Episode(environment, goal);
  const actions: string[] = [];
  const act = (action: string): void => {
    actions.push(action);
    episode.act(action);
  };
  const indexOf = (text: string): number => catalogue.indexOf(text.toUpperCase());
  for (let search = 1; search <= SEARCHES; search++) {
    const last = search === SEARCHES;
    act(searchAction(last ? carefulQuery(wish) : carelessQuery(wish, random)));
    const contentWith = last ? 0 : 0.6 + 0.4 * random.next();
    for (let page = 1; ; page++) {
      const found = environment.actions(episode.state).click.filter((text) => indexOf(text) >= 0);
      const rewards = found.map((text) => rewardOfMatched(catalogue, indexOf(text), wish));
      const best = rewards.indexOf(Math.max(...rewards));
      if (found.length > 0 && random.next() < 0.25) {
        // A wrong turn: opened, looked at, left.
        act(clickAction(random.pick(found)));
        if (random.next() < 0.4) act(clickAction(random.next() < 0.5 ? "description" : "features"));
        for (let back = 0; back < 3 && episode.state.page !== "results"; back++) act(clickAction("< prev"));
        if (episode.state.page !== "results") break;
      }
      if (found.length > 0 && rewards[best]! >= contentWith) {
        act(clickAction(found[best]!));
        const { options } = catalogue.product(indexOf(found[best]!));
        for (const value of chooseOptions(options, withoutPrice(wish.instruction), "match"))
          act(clickAction(value));
        act(clickAction("buy now"));
        return actions;
      }
      if (page === 2 || !environment.actions(episode.state).click.includes("next >")) break;
      act(clickAction("next >"));
    }
    if (!last) act(clickAction("back to search"));
  }
  // Nothing was found even by a careful query: the oracle's way out, so that every session ends with a purchase if it can.
  const rescue = findBest(environment, environment.reset({ goal }), searchAction(wish.instruction), wish);
  if (rescue === null) return actions;
  act(clickAction("back to search"));
  return [...actions, ...new OracleAgent().play(environment, goal).steps.map(({ action }) => action)];
}
