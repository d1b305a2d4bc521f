import type { Random } from "../base/index.js";
import type { Environment } from "../simulator/index.js";
import { clickAction, Episode, searchAction } from "./episode.js";
import type { Agent, Trajectory } from "./types.js";

/**
 * Takes any admissible action with equal chance: where a search can be typed, a search for the instruction is one of
 * them. Ends with a purchase or after `maxSteps`.
 */
export class RandomAgent implements Agent {
  readonly name = "random";
  readonly settings: { readonly maxSteps: number };

  /** @param maxSteps 15, the limit of most published WebShop agents. */
  constructor(maxSteps = 15) {
    this.settings = { maxSteps };
  }

  play(environment: Environment, goal: number, random: Random): Trajectory {
    const episode = new Episode(environment, goal);
    const search = searchAction(episode.goal.instruction);
    while (!episode.done && episode.length < this.settings.maxSteps) {
      const { search: canSearch, click } = environment.actions(episode.state);
      // The search button stands among the clicks but does nothing: the search itself is the action.
      const actions = click.filter((text) => text !== "search").map(clickAction);
      if (canSearch) actions.push(search);
      if (actions.length === 0) break;
      episode.act(random.pick(actions));
    }
    return episode.trajectory(this.name);
  }
}
