/**
 * Heuristics of two decisions: a query that is taken from the instruction by rule, and a choice by rule among the first ten results.
 * Nothing is learned. Each changes one thing in the one before it, so that a table of them shows the effect of each idea, and a trained
 * agent has to beat those that read what it reads.
 */
import type { Environment, Product } from "../simulator/index.js";
import { clickAction, Episode, priceBound, resultsOn, searchAction, withoutPrice } from "./episode.js";
import { chooseOptions } from "./options.js";
import type { Agent, Trajectory } from "./types.js";
import { contentWords, keywords } from "./wording.js";

/** The query: the whole instruction, the same without its price clause, or its own words that say something. */
export const HEURISTIC_QUERIES = {
  instruction: (instruction: string): string => instruction,
  "no-price": withoutPrice,
  "own-words": (instruction: string): string => keywords(instruction).join(" "),
} as const;

/**
 * The choice: the first result, the first at a price that the instruction accepts, or the one whose text covers most of the
 * instruction's words: its title, or its title with the first bullet and the option values.
 */
export const HEURISTIC_CHOICES = ["first", "affordable", "titles", "metadata"] as const;

/** A query and a choice. */
export interface HeuristicSettings {
  readonly query: keyof typeof HEURISTIC_QUERIES;
  readonly choice: (typeof HEURISTIC_CHOICES)[number];
}

/** Searches by rule, chooses by rule, chooses options by the words that match, and buys. */
export class HeuristicAgent implements Agent {
  constructor(
    readonly name: string,
    readonly settings: Readonly<Record<string, unknown>> & HeuristicSettings,
  ) {}

  play(environment: Environment, goal: number): Trajectory {
    const episode = new Episode(environment, goal);
    const { instruction } = episode.goal;
    episode.act(searchAction(HEURISTIC_QUERIES[this.settings.query](instruction)));
    const listed = resultsOn(environment, episode.state);
    const chosen = listed[choiceAmong(listed, instruction, this.settings.choice)];
    if (chosen) buy(episode, chosen);
    return episode.trajectory(this.name);
  }
}

/** The place in the list that a heuristic chooses, from 0; 0 where the list is empty. */
export function choiceAmong(
  listed: readonly Product[],
  instruction: string,
  choice: HeuristicSettings["choice"],
): number {
  switch (choice) {
    case "first":
      return 0;
    case "affordable": {
      const bound = priceBound(instruction);
      return Math.max(
        0,
        listed.findIndex((product) => lowestPrice(product) <= bound),
      );
    }
    case "titles":
      return bestCovered(listed, instruction, ({ title }) => title);
    case "metadata":
      return bestCovered(listed, instruction, metadataOf);
  }
}

/**
 * The place of the text that holds the largest fraction of the instruction's words; one that costs too much counts a quarter, and of
 * equals the earlier stands.
 */
export function bestCovered(
  listed: readonly Product[],
  instruction: string,
  textOf: (product: Product) => string,
): number {
  const wanted = new Set(contentWords(withoutPrice(instruction)));
  const bound = priceBound(instruction);
  const scores = listed.map((product) => {
    const held = new Set(contentWords(textOf(product)));
    const covered = [...wanted].filter((word) => held.has(word)).length / Math.max(1, wanted.size);
    return lowestPrice(product) > bound ? covered / 4 : covered;
  });
  return Math.max(0, scores.indexOf(Math.max(...scores)));
}

/** Opens a result of the page shown, clicks the options that the instruction names, and buys. */
export function buy(episode: Episode, product: Product): void {
  episode.act(clickAction(product.asin.toLowerCase()));
  const wanted = withoutPrice(episode.goal.instruction);
  for (const value of chooseOptions(product.options, wanted, "match")) episode.act(clickAction(value));
  episode.act(clickAction("buy now"));
}

/** The least that a product is shown to cost, in dollars. */
function lowestPrice({ pricing }: Product): number {
  return Math.min(...pricing);
}

/** The text of a product in a list with metadata, beside its price. */
function metadataOf({ title, bulletPoints, options }: Product): string {
  return [title, bulletPoints[0] ?? "", ...options.flatMap(({ values }) => values)].join(" ");
}
