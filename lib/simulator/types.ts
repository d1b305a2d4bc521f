/**
 * The simulator's nouns. All are immutable plain values: an episode is cloned by copying a reference to its
 * state, and two states that look the same are the same. Section numbers (§) refer to WebShop's behaviour as
 * documented in docs/webshop.md.
 */

import type { Quirks } from "./quirks.js";

/** One group of options of a product, e.g. size: small, medium, large. Names and values are lower-case (§1.3). */
export interface OptionGroup {
  readonly name: string;
  readonly values: readonly string[];
}

/** A product after WebShop's cleaning (§1.3). */
export interface Product {
  /** At most ten characters; unique in a catalogue. */
  readonly asin: string;
  readonly title: string;
  readonly description: string;
  readonly bulletPoints: readonly string[];
  /** One price, or two for a range, in dollars; `[100]` when the listing has none. */
  readonly pricing: readonly number[];
  /** As shown on the page: `$19.99` or `$19.99 to $1029.99`, numbers written as Python writes a float. */
  readonly priceLabel: string;
  readonly options: readonly OptionGroup[];
  /** Hidden from the pages unless `showAttributes`; the reward reads them. */
  readonly attributes: readonly string[];
  /** One of five coarse classes: beauty, electronics, fashion, garden, grocery. */
  readonly category: string;
  /** The phrase under which the listing was found, lower-case. */
  readonly query: string;
  /** Breadcrumb joined with " › ". */
  readonly productCategory: string;
  /** Address of the main image, or "" where there is none. */
  readonly mainImage: string;
}

/** The shopper's instruction, with the hidden parts that the reward compares (§2). */
export interface Goal {
  /** Position in the shuffled goal list; the split is by this number. */
  readonly index: number;
  /** The target product. */
  readonly asin: string;
  readonly category: string;
  readonly query: string;
  /** The target's title. */
  readonly name: string;
  readonly productCategory: string;
  /** The text that the shopper sees, price clause included. */
  readonly instruction: string;
  readonly attributes: readonly string[];
  /** Values for a human goal; `[name, value]` pairs for a synthetic one (the reward compares them differently, §6.3). */
  readonly options: readonly (string | readonly [name: string, value: string])[];
  /** Highest acceptable price in dollars; 1000000 when the instruction names none. */
  readonly priceUpper: number;
  /** Weight in WebShop's random choice of a goal. */
  readonly weight: number;
}

export type SplitName = "test" | "dev" | "train";

/** One search result: a product's position in load order and its BM25 score. */
export interface Hit {
  readonly index: number;
  readonly score: number;
}

/**
 * An opened shop's data: products, search and goals. Read-only; any number of sessions and worker threads share
 * one. Products are read from disk when asked for, so holding a catalogue is cheap.
 */
export interface Catalogue {
  /** Number of products. */
  readonly size: number;
  /** Hash over everything that rewards and observations depend on: products, prices, goals, seeds, format version. */
  readonly fingerprint: string;
  /** The product at a position in load order. */
  product(index: number): Product;
  /** Position of an ASIN (upper-case), or -1. */
  indexOf(asin: string): number;
  /** Whether the products are WebShop's own listings; absent where they are not. */
  readonly webshop?: boolean;
  /** The price used by goal bounds and the reward (§1.3.5): drawn once, with a stated seed, for a price range. */
  price(index: number): number;
  /** The best `limit` products for a bag-of-words query, by descending BM25, ties by ascending ASIN (§3). */
  search(query: string, limit: number): readonly Hit[];
  /** Positions, in load order, of the products in a category, with a scraping query or with an attribute (§3, special searches). */
  where(field: "category" | "query" | "attribute", value: string): readonly number[];
  /** Number of goals. */
  readonly goalCount: number;
  /** The goal at an index of the shuffled list. */
  goal(index: number): Goal;
}

/** Which page a session is on. */
export type PageKind = "search" | "results" | "item" | "subpage" | "done";

/** The four pages behind an item's buttons. */
export type SubPage = "Description" | "Features" | "Reviews" | "Attributes";

/** A session, whole: a plain frozen value. Cloning it is copying the reference. */
export interface SessionState {
  /** Index of the goal. */
  readonly goal: number;
  /** The session's name, as it stands in its addresses. */
  readonly session: string;
  /** Shown instead of the goal's own text, or null. */
  readonly instruction: string | null;
  readonly page: PageKind;
  /** Words of the last search, split on single spaces; null before the first. */
  readonly keywords: readonly string[] | null;
  /** Page of results, from 1; null before the first search. */
  readonly pageNumber: number | null;
  /** ASIN of the open item, or null. */
  readonly asin: string | null;
  /** ASINs opened since the last "Back to Search". */
  readonly opened: readonly string[];
  /** Chosen options by group name, in the order in which they were chosen. */
  readonly options: Readonly<Record<string, string>>;
  readonly subPage: SubPage | null;
  /** How often each kind of action was taken (§4.2). */
  readonly counts: Readonly<Record<string, number>>;
  readonly done: boolean;
  /** Set by the purchase. */
  readonly reward: RewardParts | null;
  /** Number of steps taken, no-ops included. */
  readonly steps: number;
  /** Earlier observations and actions, oldest first, as many as the environment was asked to remember. */
  readonly history: readonly { readonly observation: string; readonly action: string }[];
}

/** The reward and everything it was made of (§6). All are in [0, 1] unless said otherwise. */
export interface RewardParts {
  /** r_type × (matched attributes + matched options + price ok) ÷ (attributes + options + 1). */
  readonly total: number;
  readonly rType: number;
  readonly rAtt: number;
  /** Null when the goal names no option. */
  readonly rOption: number | null;
  /** 1 when the price is within the bound. */
  readonly rPrice: 0 | 1;
  readonly wAtt: number;
  readonly wOption: number | null;
  readonly wPrice: number;
  readonly queryMatch: boolean;
  readonly categoryMatch: boolean;
  readonly titleScore: number;
}

export type ObservationMode = "html" | "text" | "text_rich" | "url";

/** The possible actions on a page (§4.1): whether a search can be typed, and what can be clicked, in page order. */
export interface AvailableActions {
  readonly search: boolean;
  readonly click: readonly string[];
}

/** The result of one action. */
export interface StepResult {
  readonly state: SessionState;
  readonly observation: string;
  /** 0 until the purchase. */
  readonly reward: number;
  readonly done: boolean;
  /** False when the action was not understood or not possible: the page then stays as it was. */
  readonly valid: boolean;
  /** Present once the episode is done. */
  readonly parts?: RewardParts;
}

/** How an environment behaves. Every default is WebShop's own. */
export interface EnvironmentSettings {
  /** The form of `observation` (§5). Default "text". */
  readonly mode: ObservationMode;
  /** "webshop": every upstream quirk on, numbers comparable. "fixed": every quirk mended (docs/quirks.md). Default "webshop". */
  readonly compat: "webshop" | "fixed";
  /** Switches single quirks against `compat`. Default none. */
  readonly quirks?: Partial<Quirks>;
  /**
   * Whose nouns the reward compares: spaCy's, as WebShop's does, or those of the tagger that Aisle comes with.
   * Default: spaCy's for WebShop's own products under `compat: "webshop"`, where its weights are here; else Aisle's own.
   * An opened environment names it only where it is spaCy's.
   */
  readonly tagger?: "spacy" | "wink";
  /** Shows the Attributes button on item pages. Default false. */
  readonly showAttributes: boolean;
  /** How many earlier observations are put before the current one. Default 0. */
  readonly previousObservations: number;
  /** How many earlier actions are put before the current observation. Default 0. */
  readonly previousActions: number;
}

/** The shop as a world to act in: pure functions over `SessionState`; nothing is kept between calls. */
export interface Environment {
  readonly catalogue: Catalogue;
  readonly settings: EnvironmentSettings;
  /** The tagger that finds a title's nouns, by name and version. */
  readonly tagger: string;
  /** Lower-case nouns and proper nouns of a title in order, repeats included, as the reward compares them. */
  nounsOf(title: string): readonly string[];
  /** Opens a session on a goal. `session` defaults to the goal's number, `instruction` to the goal's own text. */
  reset(options: { goal: number; session?: string; instruction?: string }): SessionState;
  /** The observation, in the environment's mode or in another. */
  observe(state: SessionState, mode?: ObservationMode): string;
  /** The possible actions on this page. */
  actions(state: SessionState): AvailableActions;
  /** Takes one action, `search[…]` or `click[…]`. Never throws on an action's text: what cannot be followed is a no-op. */
  step(state: SessionState, action: string): StepResult;
}
