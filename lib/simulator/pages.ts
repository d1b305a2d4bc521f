/** WebShop's five pages (docs/webshop.md §4) as element trees, in our own markup with its visible texts and hooks. */
import { element, type Element } from "./markup.js";
import { floatText, jsonObjectText, listText } from "./python-text.js";
import type { Quirks } from "./quirks.js";
import type { Goal, Product, RewardParts, SessionState, SubPage } from "./types.js";

/** Everything that a page is made of. */
export interface PageContents {
  readonly state: SessionState;
  readonly instruction: string;
  readonly quirks: Quirks;
  readonly showAttributes: boolean;
  /** The open product, on item, sub and done pages. */
  readonly product: Product | null;
  /** On a page of results: this page's products and the number of results in all. */
  readonly results: readonly Product[];
  readonly total: number;
  /** Whether "Next >" is offered. */
  readonly hasNext: boolean;
  readonly goal: Goal;
}

/** The body of a session's page. */
export function pageBody(contents: PageContents): Element[] {
  switch (contents.state.page) {
    case "search":
      return searchPage(contents);
    case "results":
      return resultsPage(contents);
    case "item":
      return itemPage(contents, contents.product!);
    case "subpage":
      return subPage(contents, contents.product!);
    case "done":
      return donePage(contents, contents.product!);
  }
}

function searchPage({ instruction }: PageContents): Element[] {
  return [
    element("h2", {}, "WebShop"),
    instructionBlock("Instruction: ", instruction),
    element("input", { type: "text", id: "search_input", name: "search_query" }),
    button("Search"),
  ];
}

function resultsPage({ state, instruction, results, total, hasNext }: PageContents): Element[] {
  const page = state.pageNumber!;
  return [
    instructionBlock("Instruction:", instruction),
    button("Back to Search"),
    element("h3", {}, `Page ${page} (Total results: ${total})`),
    ...(page > 1 ? [button("< Prev")] : []),
    ...(hasNext ? [button("Next >")] : []),
    ...results.map((product) =>
      element(
        "div",
        { class: "result" },
        product.mainImage === "" ? null : element("img", { src: product.mainImage, alt: "" }),
        element("a", { class: "product-link", href: `#${product.asin}` }, product.asin),
        element("h4", { class: "product-title" }, product.title),
        element("h5", { class: "product-price" }, product.priceLabel),
      ),
    ),
  ];
}

function itemPage({ state, instruction, showAttributes }: PageContents, product: Product): Element[] {
  return [
    instructionBlock("Instruction:", instruction),
    button("Back to Search"),
    button("< Prev"),
    ...(product.mainImage === "" ? [] : [element("img", { src: product.mainImage, alt: "" })]),
    ...product.options.map((group, g) =>
      element(
        "div",
        { class: "options" },
        element("h4", {}, group.name),
        ...group.values.flatMap((value, v) => {
          const id = `option_${g}_${v}`;
          const chosen: Record<string, string> =
            state.options[group.name] === value ? { checked: "checked" } : {};
          return [
            element("input", { type: "radio", id, name: group.name, value, ...chosen }),
            element("label", { for: id }, value),
          ];
        }),
      ),
    ),
    element("h2", {}, product.title),
    element("h4", {}, `Price: ${product.priceLabel}`),
    element("h4", {}, "Rating: N.A."),
    ...subPages(showAttributes).map((name) => button(name)),
    element("button", { class: "btn btn-lg purchase", type: "submit" }, "Buy Now"),
  ];
}

/** The pages behind an item's buttons, in order. */
export function subPages(showAttributes: boolean): readonly SubPage[] {
  return showAttributes
    ? ["Description", "Features", "Reviews", "Attributes"]
    : ["Description", "Features", "Reviews"];
}

function subPage({ state, instruction }: PageContents, product: Product): Element[] {
  const texts = subPageTexts(state.subPage!, product);
  return [
    instructionBlock("Instruction:", instruction),
    button("Back to Search"),
    button("< Prev"),
    ...texts.map((text) => element("p", { class: state.subPage!.toLowerCase() }, text)),
  ];
}

/** The text of a sub page. WebShop loads no reviews, so that page is empty. */
export function subPageTexts(name: SubPage, product: Product): readonly string[] {
  switch (name) {
    case "Description":
      return [product.description];
    case "Features":
      return product.bulletPoints.map((bullet) => ` ${bullet}`);
    case "Reviews":
      return [];
    case "Attributes":
      return [
        ...product.attributes.map((name) => ` ${name}`),
        product.category,
        product.query,
        product.productCategory,
      ];
  }
}

function donePage(contents: PageContents, product: Product): Element[] {
  return [
    element("h3", {}, "Thank you for shopping with us!"),
    element(
      "div",
      { class: "code" },
      "Your code: ",
      element("pre", {}, "None"),
      " (Paste it in your MTurk interface.)",
    ),
    element("div", { class: "stats" }, ...doneTexts(contents, product).map((text) => element("p", {}, text))),
  ];
}

/** The labels and values of the done page after its greeting. An empty text does not show. */
export function doneTexts(contents: PageContents, product: Product): readonly string[] {
  const { state, goal, quirks } = contents;
  const bare = quirks.bareDonePage;
  const none = (text: string): string => (bare ? "None" : text);
  const empty = (text: string): string => (bare ? "" : text);
  const wanted = goal.options.map((option) => (typeof option === "string" ? option : option.join(": ")));
  return [
    "Purchased",
    ...["asin", product.asin],
    ...["options", scriptSafe(jsonObjectText(state.options, true))],
    ...["attrs", none(listText(product.attributes))],
    ...["category", none(product.category)],
    ...["query", none(product.query)],
    ...["product category", none(product.productCategory)],
    "Target",
    ...["asin", empty(goal.asin)],
    ...["options", empty(listText(wanted))],
    ...["attrs", empty(listText(goal.attributes))],
    ...["price upper", empty(floatText(goal.priceUpper))],
    ...["instuction text", empty(contents.instruction)],
    ...["category", empty(goal.category)],
    ...["product category", empty(goal.productCategory)],
    ...["query", empty(goal.query)],
    ...["Goal ", none(goal.name)],
    "Reward",
    ...["Your score (min 0.0, max 1.0)", floatText(state.reward!.total)],
    ...["Reward Details ", none(rewardDetails(state.reward!))],
  ];
}

/** Flask's `tojson`: four characters that could end a script are escaped. */
function scriptSafe(json: string): string {
  return json.replace(/[<>&']/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

function rewardDetails(parts: RewardParts): string {
  const shown = { r_type: parts.rType, r_att: parts.rAtt, r_option: parts.rOption, r_price: parts.rPrice };
  return JSON.stringify(shown);
}

function instructionBlock(label: string, instruction: string): Element {
  const heading = element("h4", {}, label, element("br"), instruction);
  return element("div", { id: "instruction-text" }, heading);
}

function button(text: string): Element {
  return element("button", { class: "btn btn-primary", type: "submit" }, text);
}
