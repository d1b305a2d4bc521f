import { InputError, type Random, stream } from "../../base/index.js";
import {
  type ListingHabits,
  LISTING_HABITS,
  REQUEST_HABITS,
  type RecipeVersion,
  type RequestHabits,
} from "./habits.js";
import type { Category, CategoryWords, TypeWords, Words } from "./words.js";

/** How an attribute is said, in listings and in requests. */
export interface Attribute {
  readonly name: string;
  readonly kind: "before" | "with" | "for";
  /** As listings say it, in lower case, In Title Case and IN CAPITALS: three lists in the same order. */
  readonly listing: readonly string[];
  readonly titled: readonly string[];
  readonly capitals: readonly string[];
  /** As people ask for it. */
  readonly request: readonly string[];
  /** Attributes that the same product cannot have beside this one. */
  readonly excludes: ReadonlySet<string>;
}

/** A kind of product, ready to draw from. */
export interface ProductType {
  readonly index: number;
  readonly category: Category;
  readonly names: readonly string[];
  readonly ask: readonly string[];
  readonly queries: readonly string[];
  /** Breadcrumb joined with " › ", as WebShop has it. */
  readonly path: string;
  readonly price: number;
  /** The most expensive and the cheapest product of the type lie by this factor above and below `price`. */
  readonly priceFactor: number;
  readonly attributes: readonly Attribute[];
  readonly options: readonly { readonly name: string; readonly values: readonly string[] }[];
  readonly optionShare: number;
  readonly details: readonly string[];
  readonly plural: boolean;
  /** The brands that sell it. */
  readonly brands: readonly string[];
  /** Words for it that other listings mention: the last name in lower case. */
  readonly mention: string;
}

/** Everything that the recipe draws from. */
export interface Recipe {
  readonly words: Words;
  readonly habits: ListingHabits;
  readonly requestHabits: RequestHabits;
  readonly types: readonly ProductType[];
  /** Running sums of the types' weights. */
  readonly cumulative: readonly number[];
}

/** Invented brands of a category, and how many of them sell one type of product. */
const BRANDS_PER_CATEGORY = 1500;
const BRANDS_PER_TYPE = 150;

/**
 * Turns the word lists into tables to draw from. Brands and the types' popularity come from the seed.
 * @throws InputError when a type names an attribute, a group or a palette that no list has.
 */
export function compileRecipe(words: Words, seed: number, version: RecipeVersion): Recipe {
  const attributes = compileAttributes(words);
  const types: ProductType[] = [];
  const cumulative: number[] = [0];
  const popularity = stream(seed, "popularity");
  for (const category of words.categories) {
    const brands = inventBrands(words, stream(seed, "brands", category.category));
    for (const type of category.types) {
      const first = popularity.below(BRANDS_PER_CATEGORY - BRANDS_PER_TYPE);
      types.push({
        index: types.length,
        category: category.category,
        names: type.names,
        ask: type.ask,
        queries: type.query,
        path: type.path.split(" > ").join(" › "),
        price: type.price[0],
        priceFactor: 1.4 * type.price[1],
        attributes: attributesOf(type, category, attributes),
        options: optionsOf(type, words),
        optionShare: category.optionShare,
        details: type.details,
        plural: type.plural ?? false,
        brands: brands.slice(first, first + BRANDS_PER_TYPE),
        mention: type.names[type.names.length - 1]!.toLowerCase(),
      });
      cumulative.push(cumulative[cumulative.length - 1]! + 0.5 + popularity.next());
    }
  }
  return {
    words,
    habits: LISTING_HABITS[version],
    requestHabits: REQUEST_HABITS[version],
    types,
    cumulative,
  };
}

/** A product type by its share of the shop. */
export function drawType(recipe: Recipe, random: Random): ProductType {
  const { cumulative, types } = recipe;
  const at = random.next() * cumulative[cumulative.length - 1]!;
  let low = 0;
  let high = types.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (cumulative[middle]! <= at) low = middle;
    else high = middle - 1;
  }
  return types[low]!;
}

/** "easy to clean" → "Easy to Clean". */
export function titleCase(text: string): string {
  return text.replace(
    /(^|[\s(])(?!(?:to|for|with|and|of|in|the|a)\s)([a-z])/g,
    (_, before: string, letter: string) => {
      return before + letter.toUpperCase();
    },
  );
}

function compileAttributes(words: Words): Map<string, Attribute> {
  const excludes = new Map<string, Set<string>>();
  for (const set of words.attributes.exclusive) {
    for (const name of set) {
      const others = excludes.get(name) ?? new Set<string>();
      for (const other of set) if (other !== name) others.add(other);
      excludes.set(name, others);
    }
  }
  const none = new Set<string>();
  const result = new Map<string, Attribute>();
  for (const kind of ["before", "with", "for"] as const) {
    for (const [name, [listing, request]] of Object.entries(words.attributes[kind])) {
      result.set(name, {
        name,
        kind,
        listing,
        titled: listing.map(titleCase),
        capitals: listing.map((form) => form.toUpperCase()),
        request,
        excludes: excludes.get(name) ?? none,
      });
    }
  }
  return result;
}

function attributesOf(
  type: TypeWords,
  category: CategoryWords,
  attributes: ReadonlyMap<string, Attribute>,
): Attribute[] {
  const names = type.attributes.flatMap((name) => {
    if (!name.startsWith("@")) return [name];
    const group = category.groups[name.slice(1)];
    if (group === undefined)
      throw new InputError(`The recipe's ${type.names[0]} uses the unknown group ${name}.`);
    return group;
  });
  return [...new Set(names)].map((name) => {
    const attribute = attributes.get(name);
    if (attribute === undefined) {
      throw new InputError(
        `The recipe's ${type.names[0]} has the attribute "${name}", which attributes.json lacks.`,
      );
    }
    return attribute;
  });
}

function optionsOf(type: TypeWords, words: Words): ProductType["options"] {
  return Object.entries(type.options).map(([name, values]) => {
    if (typeof values !== "string") return { name, values };
    const palette = words.palettes[values.slice(1)];
    if (palette === undefined)
      throw new InputError(`The recipe's ${type.names[0]} uses the unknown palette ${values}.`);
    return { name, values: palette };
  });
}

/** Brands of three kinds: made-up words ("Covatek", "ZOVEL"), surnames with a tail, made-up words with a tail. */
function inventBrands(words: Words, random: Random): string[] {
  const { starts, middles, ends, surnames, tails } = words.phrases.brands;
  const brands = new Set<string>();
  while (brands.size < BRANDS_PER_CATEGORY) {
    const made = random.pick(starts) + random.pick(middles) + random.pick(ends);
    const kind = random.next();
    if (kind < 0.2) brands.add(made.toUpperCase());
    else if (kind < 0.75) brands.add(titleCase(made));
    else if (kind < 0.9) brands.add(`${titleCase(made)} ${random.pick(tails)}`);
    else
      brands.add(
        `${random.pick(surnames)} ${random.next() < 0.5 ? "& " + random.pick(surnames) : random.pick(tails)}`,
      );
  }
  return [...brands];
}
