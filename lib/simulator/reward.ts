/** WebShop's reward (docs/webshop.md §6): how much of what was asked for a purchase satisfies. */
import { Cache } from "./cache.js";
import { colourAmong, normaliseColour } from "./colours.js";
import { isAlikeProcessed, processText } from "./fuzzy.js";
import { nounsOf } from "./nouns.js";
import { listText, reprText, splitWords, strip } from "./python-text.js";
import { WEBSHOP_QUIRKS, type Quirks } from "./quirks.js";
import type { Goal, Product, RewardParts } from "./types.js";

/** A purchase: a product at its price, with a value (or, in the thesis's protocol, a list of values) per option. */
export interface Purchase {
  readonly product: Product;
  /** In dollars: the catalogue's one price, not the option's. */
  readonly price: number;
  readonly options: Readonly<Record<string, string | readonly string[]>>;
}

/** Lower-case nouns of a title, in order, repeats included. */
export type NounTagger = (title: string) => readonly string[];

/** Texts match above this score. */
const MATCH = 85;

/**
 * The reward of a purchase, with all its parts.
 * @param quirks WebShop's unless given: its colour, title and option habits change rewards.
 * @param nouns finds a title's nouns.
 */
export function rewardOf(
  purchase: Purchase,
  goal: Goal,
  quirks: Quirks = WEBSHOP_QUIRKS,
  nouns: NounTagger = nounsOf,
): RewardParts {
  const { product, price } = purchase;
  const queryMatch = product.query === goal.query;
  const categoryMatch = sharedCategories(product.productCategory, goal.productCategory) >= 2;
  const titleScore = titleScoreOf(product.title, goal.name, quirks, nouns);
  const attributes = goal.attributes.filter((wanted) => hasAttribute(product, wanted)).length;
  const options = matchedOptions(Object.values(purchase.options), goal.options, quirks);
  return combineReward({
    attributes: { matched: attributes, wanted: goal.attributes.length },
    options: { matched: options, wanted: goal.options.length },
    priceOk: price <= goal.priceUpper,
    queryMatch,
    categoryMatch,
    titleScore,
    quirks,
  });
}

/** Puts counted matches together (§6, §6.5). Zero attributes and no option leave the price alone to count. */
export function combineReward(counts: {
  readonly attributes: { readonly matched: number; readonly wanted: number };
  readonly options: { readonly matched: number; readonly wanted: number };
  readonly priceOk: boolean;
  readonly queryMatch: boolean;
  readonly categoryMatch: boolean;
  readonly titleScore: number;
  readonly quirks?: Quirks;
}): RewardParts {
  const { attributes, options, priceOk, queryMatch, categoryMatch, titleScore } = counts;
  const wishes = attributes.wanted + options.wanted + 1;
  const rType = typeReward(queryMatch, categoryMatch, titleScore, counts.quirks ?? WEBSHOP_QUIRKS);
  const rPrice = priceOk ? 1 : 0;
  return {
    total: ((attributes.matched + options.matched + rPrice) / wishes) * rType,
    rType,
    rAtt: attributes.wanted === 0 ? 0 : attributes.matched / attributes.wanted,
    rOption: options.wanted === 0 ? null : options.matched / options.wanted,
    rPrice,
    wAtt: attributes.wanted / wishes,
    wOption: options.wanted === 0 ? null : options.wanted / wishes,
    wPrice: 1 / wishes,
    queryMatch,
    categoryMatch,
    titleScore,
  };
}

/**
 * The reward that a purchase's parts give, to the bit: what a record of parts is checked against.
 * @param parts as {@link combineReward} gives them, each in [0, 1]
 * @param wanted how many attributes and options the goal asks for
 */
export function rewardFromParts(
  { rType, rAtt, rOption, rPrice }: Pick<RewardParts, "rType" | "rAtt" | "rOption" | "rPrice">,
  wanted: { readonly attributes: number; readonly options: number },
): number {
  const { attributes, options } = wanted;
  const matched = Math.round(rAtt * attributes) + Math.round((rOption ?? 0) * options);
  return ((matched + rPrice) / (attributes + options + 1)) * rType;
}

/** A reward's parts under WebShop's own names, as JSON hands them on. */
export function rewardRecord(parts: RewardParts): Record<string, number | boolean | null> {
  return {
    total: parts.total,
    r_type: parts.rType,
    r_att: parts.rAtt,
    r_option: parts.rOption,
    r_price: parts.rPrice,
    w_att: parts.wAtt,
    w_option: parts.wOption,
    w_price: parts.wPrice,
    query_match: parts.queryMatch,
    category_match: parts.categoryMatch,
    title_score: parts.titleScore,
  };
}

/** Whether it is the right kind of product: 1, 0.5, 0.1 or 0 (§6.1). */
export function typeReward(
  queryMatch: boolean,
  categoryMatch: boolean,
  titleScore: number,
  quirks: Pick<Quirks, "titleOverrides"> = WEBSHOP_QUIRKS,
): number {
  const matched = queryMatch || categoryMatch;
  if (matched && !quirks.titleOverrides) return 1;
  if (titleScore === 0) return 0;
  if (titleScore < 0.1) return 0.1;
  return matched || titleScore > 0.2 ? 1 : 0.5;
}

/** The fraction of the goal title's nouns that the bought title has; 0.2 when the goal's has none. */
export function titleScoreOf(
  bought: string,
  wanted: string,
  quirks: Pick<Quirks, "repeatedNouns"> = WEBSHOP_QUIRKS,
  nouns: NounTagger = nounsOf,
): number {
  const goalNouns = nouns(wanted);
  if (goalNouns.length === 0) return 0.2;
  const distinct = new Set(goalNouns);
  const boughtNouns = new Set(nouns(bought));
  let shared = 0;
  for (const noun of distinct) if (boughtNouns.has(noun)) shared++;
  return shared / (quirks.repeatedNouns ? goalNouns.length : distinct.size);
}

/** Breadcrumb parts in common, wherever they stand. */
function sharedCategories(one: string, two: string): number {
  const parts = new Set(one.split("›").map(strip));
  return [...new Set(two.split("›").map(strip))].filter((part) => parts.has(part)).length;
}

/** Whether a product has an attribute by name, or names it in its title, bullet points or description (§6.2). */
function hasAttribute(product: Product, wanted: string): boolean {
  const processed = processedText(wanted);
  if (product.attributes.some((own) => isAlikeProcessed(processedText(own), processed, MATCH))) return true;
  return (
    product.title.toLowerCase().includes(wanted) ||
    product.bulletPoints.join(" ").toLowerCase().includes(wanted) ||
    product.description.toLowerCase().includes(wanted)
  );
}

/** How many wanted options some chosen value satisfies; option names do not count (§6.3). */
function matchedOptions(
  chosen: readonly (string | readonly string[])[],
  wanted: Goal["options"],
  quirks: Quirks,
): number {
  const values = chosen.map((value) =>
    typeof value === "string" ? comparable(value, quirks) : comparableMany(value, listText(value), quirks),
  );
  return wanted.filter((option) => {
    const text =
      typeof option === "string"
        ? comparable(option, quirks)
        : comparableMany(option, `(${option.map(reprText).join(", ")})`, quirks);
    if (quirks.tokenSubsets) return values.some((value) => isAlikeProcessed(value, text, MATCH));
    // With the quirk mended a pair's name and a list's brackets are no part of what is compared.
    const exact = typeof option === "string" ? option : option[1];
    return chosen.flat().some((value) => sameWords(value, exact, quirks));
  }).length;
}

/** Attributes are few and come again with every purchase: what they look like when cleaned is kept. */
const processedTexts = new Cache<string, string>(2_000_000);

function processedText(text: string): string {
  return processedTexts.get(
    text,
    () => processText(text),
    (made) => 50 + text.length + made.length,
  );
}

function comparable(text: string, quirks: Quirks): string {
  return processText(quirks.colourSubstrings ? normaliseColour(text) : text);
}

/** A list or a pair is compared as Python writes it, unless it holds a bare colour word. */
function comparableMany(texts: readonly string[], written: string, quirks: Quirks): string {
  return processText((quirks.colourSubstrings ? colourAmong(texts) : undefined) ?? written);
}

/** Equal but for case, punctuation and spaces. */
function sameWords(one: string, two: string, quirks: Quirks): boolean {
  if (one === two) return true;
  const words = (text: string): string => splitWords(comparable(text, quirks)).join(" ");
  return words(one) !== "" && words(one) === words(two);
}
