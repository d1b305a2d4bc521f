import type { Environment, Product } from "../simulator/index.js";
import { clickAction, Episode, resultsOn, searchAction } from "./episode.js";
import { bestCovered, buy, HEURISTIC_QUERIES } from "./heuristics.js";
import type { Agent, Trajectory } from "./types.js";

/**
 * Opens everything and learns nothing: searches the instruction's own words, opens each result of page 1 with its description and
 * features, goes back, and buys the one whose pages cover most of the instruction's words. The value of reading pages without
 * learning; the lower bound that a shopper over many pages has to beat.
 */
export class PageReaderAgent implements Agent {
  readonly name = "page-reader";
  readonly settings = { query: "own-words" };

  play(environment: Environment, goal: number): Trajectory {
    const episode = new Episode(environment, goal);
    const { instruction } = episode.goal;
    episode.act(searchAction(HEURISTIC_QUERIES["own-words"](instruction)));
    const listed = resultsOn(environment, episode.state);
    for (const { asin } of listed) {
      for (const click of [asin.toLowerCase(), "description", "< prev", "features", "< prev", "< prev"]) {
        episode.act(clickAction(click));
      }
    }
    const chosen = listed[bestCovered(listed, instruction, pagesOf)];
    if (chosen) buy(episode, chosen);
    return episode.trajectory(this.name);
  }
}

/** The text of a product's pages: title, options, description and features. */
function pagesOf({ title, bulletPoints, description, options }: Product): string {
  return [title, ...bulletPoints, description, ...options.flatMap(({ values }) => values)].join(" ");
}
