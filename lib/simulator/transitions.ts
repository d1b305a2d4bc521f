/** The transitions between states (docs/webshop.md §4.2): pure functions from one session state to the next. */
import { addressOf, pageNamedIn } from "./address.js";
import { subPages } from "./pages.js";
import type { Quirks } from "./quirks.js";
import { rewardOf } from "./reward.js";
import type { Catalogue, EnvironmentSettings, Goal, Product, SessionState, SubPage } from "./types.js";

/** The environment as the transitions use it. */
export interface Shop {
  readonly catalogue: Catalogue;
  readonly settings: EnvironmentSettings;
  readonly quirks: Quirks;
  goal(state: SessionState): Goal;
  productOf(asin: string): Product;
  /** A title's nouns, by the environment's tagger. */
  nounsOf(title: string): readonly string[];
  pageOfResults(state: SessionState): readonly Product[];
  hasNext(state: SessionState): boolean;
}

/** The target of a text on the page. */
export type ClickTarget =
  | { readonly kind: "button" }
  | { readonly kind: "product"; readonly asin: string }
  | { readonly kind: "option"; readonly group: string };

const BUTTON: ClickTarget = { kind: "button" };

/** Every text that can be clicked, in WebShop's order: buttons, products, option values; a text stands once. */
export function clickables(shop: Shop, state: SessionState): readonly string[] {
  const texts = buttons(shop, state);
  if (state.page === "results") {
    for (const product of shop.pageOfResults(state)) texts.push(product.asin.toLowerCase());
  } else if (state.page === "item") {
    for (const group of shop.productOf(state.asin!).options) texts.push(...group.values);
  }
  return new Set(texts).size === texts.length ? texts : [...new Set(texts)];
}

/** The target of a text on a page, or null where it cannot be clicked. Of equal texts the last counts. */
export function clickTarget(shop: Shop, state: SessionState, text: string): ClickTarget | null {
  if (state.page === "item") {
    const group = optionGroup(shop, state, text);
    if (group !== null) return { kind: "option", group };
  } else if (state.page === "results") {
    for (const { asin } of shop.pageOfResults(state)) {
      if (asin.toLowerCase() === text) return { kind: "product", asin };
    }
  }
  return buttons(shop, state).includes(text) ? BUTTON : null;
}

function buttons(shop: Shop, state: SessionState): string[] {
  switch (state.page) {
    case "search":
      return shop.quirks.searchListed ? ["search"] : [];
    case "results":
      return [
        "back to search",
        ...(state.pageNumber! > 1 ? ["< prev"] : []),
        ...(shop.hasNext(state) ? ["next >"] : []),
      ];
    case "item": {
      const pages = subPages(shop.settings.showAttributes).map((name) => name.toLowerCase());
      return ["back to search", "< prev", ...pages, "buy now"];
    }
    case "subpage":
      return ["back to search", "< prev"];
    case "done":
      return [];
  }
}

/** The group that a value would be chosen in. */
function optionGroup(shop: Shop, state: SessionState, value: string): string | null {
  const { options } = shop.productOf(state.asin!);
  const holding = options.filter((group) => group.values.includes(value)).map((group) => group.name);
  if (holding.length === 0) return null;
  const last = holding[holding.length - 1]!;
  if (shop.quirks.lastGroupWins) return last;
  return holding.find((name) => state.options[name] !== value) ?? last;
}

/** The state after a click on something that can be clicked. The order of the cases is WebShop's. */
export function follow(shop: Shop, state: SessionState, text: string, target: ClickTarget): SessionState {
  const counted = shop.quirks.pagingCounts;
  if (text === "buy now") return bought(shop, state);
  if (text === "back to search") return started(state);
  if (text === "next >" || text === "< prev") {
    const page = shop.quirks.pageFromAddress ? pageNamedIn(addressOf(state)) : state.page;
    const turn = text === "next >" ? 1 : -1;
    if (page === "results") return searched(state, state.keywords!, state.pageNumber! + turn, counted);
    if (page === "subpage" && turn < 0) return { ...state, page: "item", subPage: null };
    if (page === "item" && turn < 0) return searched(state, state.keywords!, state.pageNumber!, counted);
  }
  const subPage = SUB_PAGES.find((name) => name.toLowerCase() === text);
  if (subPage !== undefined) {
    return { ...state, page: "subpage", subPage, counts: count(state, subPage) };
  }
  switch (target.kind) {
    case "product": {
      const { asin } = target;
      const opened = state.opened.includes(asin) ? state.opened : [...state.opened, asin];
      return { ...state, page: "item", asin, opened, counts: count(state, "asin") };
    }
    case "option": {
      const options = { ...state.options, [target.group.toLowerCase()]: text };
      return { ...state, page: "item", options, counts: count(state, "options") };
    }
    case "button":
      return { ...state, page: "item" };
  }
}

const SUB_PAGES: readonly SubPage[] = ["Description", "Features", "Reviews", "Attributes"];

/** The start page again: nothing of the search is kept, and counting starts anew. */
function started(state: SessionState): SessionState {
  return { ...state, ...startPage() };
}

/** The start page: no search, no product, no counts. */
export function startPage(): Pick<
  SessionState,
  "page" | "keywords" | "pageNumber" | "asin" | "opened" | "options" | "subPage" | "counts"
> {
  return {
    page: "search",
    keywords: null,
    pageNumber: null,
    asin: null,
    opened: [],
    options: {},
    subPage: null,
    counts: {},
  };
}

/** A page of results; the open product and its options are forgotten. */
export function searched(
  state: SessionState,
  keywords: readonly string[],
  pageNumber: number,
  counted: boolean,
): SessionState {
  return {
    ...state,
    page: "results",
    keywords,
    pageNumber,
    asin: null,
    options: {},
    subPage: null,
    counts: counted ? count(state, "search") : state.counts,
  };
}

function bought(shop: Shop, state: SessionState): SessionState {
  const { catalogue, quirks } = shop;
  const asin = state.asin!;
  const reward = rewardOf(
    {
      product: shop.productOf(asin),
      price: catalogue.price(catalogue.indexOf(asin)),
      options: state.options,
    },
    shop.goal(state),
    quirks,
    (title) => shop.nounsOf(title),
  );
  return { ...state, page: "done", subPage: null, done: true, reward, counts: count(state, "purchase") };
}

function count(state: SessionState, kind: string): SessionState["counts"] {
  return { ...state.counts, [kind]: (state.counts[kind] ?? 0) + 1 };
}
