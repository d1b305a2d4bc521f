import type { Environment, Product } from "../simulator/index.js";
import { clickAction, Episode, priceBound, resultsOn, searchAction, withoutPrice } from "./episode.js";
import { chooseOptions } from "./options.js";
import type { Agent, Trajectory } from "./types.js";
import { contentWords } from "./wording.js";

/**
 * Reads, but learns nothing: searches the instruction without its price clause, opens the result of page 1 whose title
 * shares the most words with it (rare ones among the ten count more) at a price that fits, and clicks the options that
 * the instruction names. What a learned agent must beat to have learned something.
 */
export class MatchAgent implements Agent {
  readonly name = "match";
  readonly settings = {};

  play(environment: Environment, goal: number): Trajectory {
    const episode = new Episode(environment, goal);
    const { instruction } = episode.goal;
    episode.act(searchAction(withoutPrice(instruction)));
    const products = resultsOn(environment, episode.state);
    const best = bestTitle(products, instruction);
    if (best !== null) {
      episode.act(clickAction(best.asin.toLowerCase()));
      for (const value of chooseOptions(best.options, withoutPrice(instruction), "match")) {
        episode.act(clickAction(value));
      }
      episode.act(clickAction("buy now"));
    }
    return episode.trajectory(this.name);
  }
}

/** The score of the first result's place; a word that no other title has scores 0.5. */
const RANK_WEIGHT = 0.8;

function bestTitle(products: readonly Product[], instruction: string): Product | null {
  const wanted = new Set(contentWords(withoutPrice(instruction)));
  const bound = priceBound(instruction);
  const titles = products.map(({ title }) => new Set(contentWords(title)));
  const weightOf = new Map<string, number>();
  for (const word of wanted) {
    const carriers = titles.filter((title) => title.has(word)).length;
    weightOf.set(word, 1 / (1 + carriers));
  }
  let best: Product | null = null;
  let most = -1;
  products.forEach((product, i) => {
    // The search engine has read more than the title: its order counts for something.
    let score = RANK_WEIGHT * (1 - i / products.length);
    for (const word of titles[i]!) score += weightOf.get(word) ?? 0;
    if (Math.min(...product.pricing) > bound) score /= 4;
    if (score > most) [best, most] = [product, score];
  });
  return best;
}
