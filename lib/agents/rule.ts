import type { Environment } from "../simulator/index.js";
import { clickAction, Episode, resultsOn, searchAction } from "./episode.js";
import type { Agent, Trajectory } from "./types.js";

/**
 * WebShop's rule baseline (Yao et al. 2022, section 4.1): searches the whole instruction, price text included, opens the
 * first result and buys it with no options chosen. Three steps, or one where the search finds nothing.
 */
export class RuleAgent implements Agent {
  readonly name = "rule";
  readonly settings = {};

  play(environment: Environment, goal: number): Trajectory {
    const episode = new Episode(environment, goal);
    episode.act(searchAction(episode.goal.instruction));
    const [first] = resultsOn(environment, episode.state);
    if (first) {
      episode.act(clickAction(first.asin.toLowerCase()));
      episode.act(clickAction("buy now"));
    }
    return episode.trajectory(this.name);
  }
}
