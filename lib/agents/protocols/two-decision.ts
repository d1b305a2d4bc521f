/**
 * The thesis's protocol: an episode is two decisions, a query and a choice among the first ten results, and
 * the options follow by rule (docs/webshop.md) or are decisions of their own. It is played on the real pages, click by click.
 */
import {
  type Environment,
  type OptionGroup,
  type Product,
  type RewardParts,
  rewardOf,
} from "../../simulator/index.js";
import { clickAction, Episode, resultsOn, searchAction, withoutPrice } from "../episode.js";
import { chooseOptions, type OptionMode } from "../options.js";
import {
  aloudPrompt,
  aloudTexts,
  type Exemplars,
  lineOf,
  type ListingText,
  NO_EXEMPLARS,
  optionPrompt,
  parseAloud,
  parseQuery,
  parseSelection,
  queryPrompt,
  selectPrompt,
  withExemplars,
} from "../prompts/index.js";
import type { Decision, Trajectory } from "../types.js";
import { pageText } from "./pages.js";
import { keptOf, type Play, type Question, type Said } from "./play.js";

/** Products shown to the selection: the first page of results. */
export const LISTED = 10;

/** Whether the model names a result at once, or judges each where it stands before it does. */
export const READINGS = ["silent", "aloud"] as const;
export type Reading = (typeof READINGS)[number];

/** What the choice sees of the results, and how. Absent settings are the thesis's. */
export interface ChoiceRules {
  /** Default `titles`. */
  readonly listing?: ListingText;
  /** Default `silent`. */
  readonly reading?: Reading;
}

/** How an episode of the protocol goes. */
export interface TwoDecisionRules extends ChoiceRules {
  /** Who chooses the options. Default `match`. */
  readonly options?: OptionMode;
  /**
   * The order in which the results of a query are listed, as places of the search's own order from 0. Default: that order. Training draws
   * one, so that a place tells nothing.
   */
  readonly order?: (count: number, query: string) => readonly number[];
  /** Worked examples before each question. Default: none. */
  readonly exemplars?: Exemplars;
}

/** The first question: a search query for the instruction. An empty one ends the episode with nothing bought. */
export interface QueryQuestion extends Question {
  readonly task: "query";
  readonly instruction: string;
}

/** The second question: a number, from 1, of the listed products. */
export interface SelectQuestion extends Question {
  readonly task: "select";
  readonly instruction: string;
  readonly query: string;
  readonly listed: readonly Product[];
}

/** With `options: "choose"`, after the choice: a number, from 1, of an option's values; one question for each of the product's options. */
export interface OptionQuestion extends Question {
  readonly task: "option";
  readonly instruction: string;
  readonly product: Product;
  readonly group: OptionGroup;
}

export type TwoDecisionQuestion = QueryQuestion | SelectQuestion | OptionQuestion;

/** An episode of the two-decision protocol. A query without results ends it after one step, with nothing bought. */
export class TwoDecisionPlay implements Play<TwoDecisionQuestion> {
  #episode: Episode;
  #query: string | null = null;
  #listed: readonly Product[] = [];
  #selected: number | null = null;
  /** The options of the chosen product that are still to be asked for. */
  #open: readonly OptionGroup[] = [];
  #decisions: Decision[] = [];
  #asked: TwoDecisionQuestion | null = null;

  constructor(
    readonly environment: Environment,
    readonly goal: number,
    readonly rules: TwoDecisionRules = {},
  ) {
    this.#episode = new Episode(environment, goal);
  }

  /** The query that was searched, as it was read; null before. */
  get query(): string | null {
    return this.#query;
  }

  /** Position in the list that was chosen, from 0; null before, and where there was no list. */
  get selected(): number | null {
    return this.#selected;
  }

  ask(): TwoDecisionQuestion | null {
    return (this.#asked ??= this.#question());
  }

  #question(): TwoDecisionQuestion | null {
    const { instruction } = this.#episode.goal;
    const { query: shownQueries, select: shownChoices } = this.rules.exemplars ?? NO_EXEMPLARS;
    const page = pageText(this.environment, this.#episode.state);
    if (this.#query === null) {
      return {
        task: "query",
        instruction,
        page,
        prompt: withExemplars(queryPrompt(instruction), shownQueries),
      };
    }
    const [group] = this.#open;
    if (group) {
      const product = this.#listed[this.#selected!]!;
      const prompt = optionPrompt(instruction, product.title, group);
      return { task: "option", instruction, product, group, page, prompt };
    }
    if (this.#selected !== null || this.#listed.length === 0) return null;
    const [query, listed] = [this.#query, this.#listed];
    const { listing = "titles", reading = "silent" } = this.rules;
    const asked = { task: "select", instruction, query, listed, page } as const;
    if (reading === "aloud") {
      const given = aloudTexts(listed.map((product) => lineOf(product, listing)));
      return { ...asked, prompt: aloudPrompt(instruction, query), given };
    }
    return {
      ...asked,
      prompt: withExemplars(selectPrompt(instruction, query, listed, listing), shownChoices),
    };
  }

  answer(said: Said): { readonly decision: Decision; readonly reward: number } {
    const asked = this.#asked;
    if (!asked) throw new RangeError("Nothing was asked: an answer needs a question.");
    this.#asked = null;
    const step = this.#episode.length;
    const valid =
      asked.task === "query"
        ? this.#search(said.text)
        : asked.task === "select"
          ? this.#select(said.text)
          : this.#choose(asked.group, said.text);
    const bought = asked.task !== "query" && this.#open.length === 0;
    if (bought) this.#episode.act(clickAction("buy now"));
    const decision: Decision = {
      task: asked.task,
      step,
      prompt: asked.prompt,
      answer: said.text,
      ...keptOf(said),
      formatValid: valid,
      admissible: valid,
      repaired: false,
      truncated: said.truncated ?? false,
    };
    this.#decisions.push(decision);
    return { decision, reward: bought ? this.trajectory("").reward : 0 };
  }

  /** Any text is a query; one of which nothing is left is not searched. */
  #search(answer: string): true {
    this.#query = parseQuery(answer);
    const search = searchAction(this.#query);
    if (search !== searchAction("")) {
      this.#episode.act(search);
      const found = resultsOn(this.environment, this.#episode.state).slice(0, LISTED);
      this.#listed = this.rules.order?.(found.length, this.#query).map((place) => found[place]!) ?? found;
    }
    return true;
  }

  /** Opens the chosen product and chooses its options, where that goes by rule; whether the answer named one. */
  #select(answer: string): boolean {
    const parse = this.rules.reading === "aloud" ? parseAloud : parseSelection;
    const { index, valid } = parse(answer, this.#listed.length);
    this.#selected = index;
    const { asin, options } = this.#listed[index]!;
    this.#episode.act(clickAction(asin.toLowerCase()));
    const wanted = withoutPrice(this.#episode.goal.instruction);
    for (const value of chooseOptions(options, wanted, this.#mode)) this.#episode.act(clickAction(value));
    if (this.#mode === "choose") this.#open = options;
    return valid;
  }

  /** Clicks the value that was answered; none where the answer names none. */
  #choose({ values }: OptionGroup, answer: string): boolean {
    this.#open = this.#open.slice(1);
    const { index, valid } = parseSelection(answer, values.length);
    if (valid) this.#episode.act(clickAction(values[index]!));
    return valid;
  }

  get #mode(): OptionMode {
    return this.rules.options ?? "match";
  }

  fork(): TwoDecisionPlay {
    const copy = new TwoDecisionPlay(this.environment, this.goal, this.rules);
    copy.#episode = this.#episode.fork();
    copy.#query = this.#query;
    copy.#listed = this.#listed;
    copy.#selected = this.#selected;
    copy.#open = this.#open;
    copy.#decisions = [...this.#decisions];
    copy.#asked = this.#asked;
    return copy;
  }

  trajectory(agent: string): Trajectory {
    const played = { ...this.#episode.trajectory(agent), decisions: this.#decisions };
    if (this.#mode !== "all-lists" || this.#selected === null) return played;
    const parts = rewardOfAllLists(this.environment, this.goal, this.#listed[this.#selected]!);
    return { ...played, parts, reward: parts?.total ?? 0 };
  }
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
