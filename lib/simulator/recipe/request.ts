import type { Random } from "../../base/index.js";
import type { HumanInstruction, SyntheticInstruction } from "../goals.js";
import { cleanProduct } from "../product.js";
import type { Attribute, Recipe } from "./compile.js";
import type { Design } from "./design.js";
import { fill, type Listing } from "./listing.js";

/** How people ask. The calibration (docs/shop.md) chose these numbers. */
const PROBABILITIES = {
  /** A request names 1, 2, 3 or 4 attributes. */
  attributes: [0.27, 0.36, 0.25, 0.12],
  /** A request wants a value of an option group. */
  option: 0.8,
  /** Words for the product: the shop's own, or nothing but its department; the rest are the people's own. */
  shopName: 0.3,
  vague: 0.1,
  /** An option is said in part: "blue" for "navy blue", "pack of 2" for "8 ounce (pack of 2)". */
  partialOption: 0.15,
  detail: 0.1,
  brand: 0.03,
  filler: 0.08,
  typo: 0.05,
};

type OptionKind = "color" | "size" | "wear" | "flavor" | "scent" | "style";

/**
 * A person's request for a product: what is asked in words, and what is meant (attributes and options, which only
 * the reward sees). Null where the listing has no attribute to ask for.
 */
export function writeRequest(
  design: Design,
  listing: Listing,
  recipe: Recipe,
  random: Random,
): HumanInstruction | null {
  const wanted = drawWanted(listing.attributes, random);
  if (wanted.length === 0) return null;
  const { requests } = recipe.words;
  const before: string[] = [];
  const after: string[] = [];
  for (const name of wanted) {
    const attribute = design.attributes.find((one) => one.name === name);
    if (attribute !== undefined && random.next() >= recipe.requestHabits.unsaidAttribute)
      sayAttribute(attribute, requests, before, after, random);
  }

  const options: string[] = [];
  for (const group of cleanProduct(listing.raw, listing.attributes).options) {
    if (random.next() >= PROBABILITIES.option) continue;
    const value = random.pick(group.values);
    options.push(value);
    if (random.next() < recipe.requestHabits.unsaidOption) continue;
    const kind = optionKind(group.name, design.type.category);
    const { before: fraction, tails } = requests.options[kind];
    const said = sayValue(value, kind, random);
    if (random.next() < fraction) before.push(said);
    else after.push(fill(random.pick(tails), { v: said }));
  }

  const { type } = design;
  const kindOfName = random.next();
  const vague = kindOfName < PROBABILITIES.vague;
  const noun = vague
    ? random.pick(requests.vague[type.category]!)
    : kindOfName < PROBABILITIES.vague + PROBABILITIES.shopName
      ? shopName(design.name)
      : random.pick(type.ask);
  if (random.next() < PROBABILITIES.detail && design.details.length > 0) {
    const detail = design.details[0]!.toLowerCase();
    if (/^(?:with|for|in|to) /.test(detail)) after.push(detail);
    else before.push(detail);
  }
  if (random.next() < PROBABILITIES.brand)
    after.push(fill(random.pick(requests.brandPhrases), { b: design.brand.toLowerCase() }));
  if (random.next() < PROBABILITIES.filler) after.push(random.pick(requests.fillers));

  const text = sentence(
    draw(requests.openers, random),
    vague ? [] : random.shuffle(before),
    noun,
    [...(vague ? before.map((word) => `that is ${word}`) : []), ...random.shuffle(after)],
    vague ? "bare" : !type.plural ? "one" : type.category === "fashion" ? "pair" : "some",
    random,
  );
  return {
    instruction: random.next() < PROBABILITIES.typo ? misspell(text, random) : text,
    instruction_attributes: wanted,
    instruction_options: options,
  };
}

/** A request put together from attributes alone, as WebShop's second goal set has them. */
export function writeSynthetic(design: Design, listing: Listing): SyntheticInstruction {
  const known = design.attributes.filter(({ name }) => listing.attributes.includes(name));
  if (known.length < 2) return { instruction: null, instruction_attributes: [] };
  const of = (kind: Attribute["kind"]): string[] =>
    known.filter((a) => a.kind === kind).map(({ name }) => name);
  const joined = (word: string, names: string[]): string =>
    names.length === 0 ? "" : ` ${word} ${names.join(", ")}`;
  const before = of("before").join(", ");
  return {
    instruction: `Find me ${before === "" ? "" : `${before} `}${listing.raw.query}${joined("with", of("with"))}${joined("for", of("for"))}`,
    instruction_attributes: known.map(({ name }) => name),
  };
}

function drawWanted(attributes: readonly string[], random: Random): string[] {
  let at = random.next();
  let count = 1;
  for (const fraction of PROBABILITIES.attributes) {
    if (at < fraction) break;
    at -= fraction;
    count++;
  }
  return random.shuffle(attributes).slice(0, count);
}

function sayAttribute(
  attribute: Attribute,
  requests: Recipe["words"]["requests"],
  before: string[],
  after: string[],
  random: Random,
): void {
  const form = random.pick(attribute.request);
  // Forms that bring their own preposition stand after the noun as they are.
  if (/^(?:with|without|for|that|made|in|lined|of) /.test(form)) after.push(form);
  else if (attribute.kind === "before" && random.next() < 0.65) before.push(form);
  else {
    const tails =
      attribute.kind === "before"
        ? requests.attributeTails
        : attribute.kind === "with"
          ? requests.withTails
          : requests.forTails;
    after.push(fill(random.pick(tails), { a: form }));
  }
}

function optionKind(name: string, category: string): OptionKind {
  if (name === "color") return "color";
  if (name === "size") return category === "fashion" ? "wear" : "size";
  if (name.startsWith("flavor")) return "flavor";
  if (name === "scent") return "scent";
  return "style";
}

function sayValue(value: string, kind: OptionKind, random: Random): string {
  const plain = value.replace(/\s*\|\s*/g, random.next() < 0.5 ? " " : " and ");
  if (random.next() >= PROBABILITIES.partialOption) return plain;
  const pack = /\((pack of \d+)\)/.exec(plain);
  if (pack) return pack[1]!;
  if (kind === "size" || kind === "wear") return plain.replace(/\binch\b/, "in").replace(/\bfl oz\b/, "oz");
  return plain.split(" ").at(-1)!;
}

/** "Women's Boots" → "womens boots": people leave out apostrophes and capitals. */
function shopName(name: string): string {
  return name.toLowerCase().replaceAll("'", "");
}

/** Tails that are clauses of their own, and come last. */
const CLAUSE = /^(?:it|make|also|and|i|the|pick|please|my|color|size|preferably|must|nothing) /;

function sentence(
  opener: string,
  before: readonly string[],
  noun: string,
  after: readonly string[],
  count: Count,
  random: Random,
): string {
  const thing = [...before, noun].join(random.next() < 0.1 ? ", " : " ");
  const article = articleFor(thing, count, random);
  const phrases = after.filter((tail) => !CLAUSE.test(tail));
  const clauses = after.filter((tail) => CLAUSE.test(tail));
  const main = [opener, article, thing, ...phrases].filter((part) => part !== "").join(" ");
  const by = random.next() < 0.5 ? ". " : ", ";
  return [main, ...clauses].join(by).replaceAll(", and ", " and ");
}

/** Whether one says "a dress", "a pair of boots", "some curtains" or, of things that bring their own article, nothing. */
type Count = "one" | "pair" | "some" | "bare";

function articleFor(thing: string, count: Count, random: Random): string {
  if (count === "bare") return "";
  if (count === "one") return random.next() < 0.12 ? "" : /^[aeiou]/.test(thing) ? "an" : "a";
  if (random.next() < 0.4) return "";
  return count === "pair" && random.next() < 0.4 ? "a pair of" : "some";
}

/** Swaps two letters, or leaves one out, in one of the longer words. */
function misspell(text: string, random: Random): string {
  const words = text.split(" ");
  const at = random.below(words.length);
  const word = words[at]!;
  if (word.length < 5) return text;
  const i = 1 + random.below(word.length - 3);
  words[at] =
    random.next() < 0.5
      ? word.slice(0, i) + word.slice(i + 1)
      : word.slice(0, i) + word[i + 1]! + word[i]! + word.slice(i + 2);
  return words.join(" ");
}

function draw(weighted: readonly (readonly [string, number])[], random: Random): string {
  const total = weighted.reduce((sum, [, weight]) => sum + weight, 0);
  let at = random.next() * total;
  for (const [text, weight] of weighted) {
    at -= weight;
    if (at < 0) return text;
  }
  return weighted[0]![0];
}
