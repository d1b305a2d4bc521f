import { createHash } from "node:crypto";
import { stream } from "../../base/index.js";
import type { HumanInstruction, SyntheticInstruction } from "../goals.js";
import type { RawProduct } from "../product.js";
import { compileRecipe, type Recipe } from "./compile.js";
import { type Design, drawDesign, drawVariant } from "./design.js";
import { DEFAULT_RECIPE, type RecipeVersion } from "./habits.js";
import { writeListing } from "./listing.js";
import { writeRequest, writeSynthetic } from "./request.js";
import { readWords } from "./words.js";

/** One product of the embedded shop: a row of each of WebShop's three files. */
export interface RecipeRecord {
  /** As in `items_shuffle.json`. */
  readonly raw: RawProduct;
  /** As in `items_ins_v2.json`. */
  readonly attributes: readonly string[];
  readonly synthetic: SyntheticInstruction;
  /** As in `items_human_ins.json`; empty for most products of a large shop. */
  readonly instructions: readonly HumanInstruction[];
}

export interface RecipeOptions {
  /** Number of products. */
  readonly products: number;
  /** Default 0. */
  readonly seed?: number;
  /** Folder of the word lists. Default `data/recipe`. */
  readonly folder?: string;
  /** How listings are written. Default {@link DEFAULT_RECIPE}. */
  readonly version?: RecipeVersion;
}

/** The default shop. */
export const DEFAULT_PRODUCTS = 10_000;

/** Fraction of the products that are near-duplicates of another, and how far back that one lies at most. */
const VARIANT_SHARE = 0.22;
const VARIANT_REACH = 1000;

/**
 * Requests per product fall with its position: 0.4 among the first 10,000, then 1695 ÷ position, so that 10,000
 * products have about 4,000 requests and 1,181,436 about 12,087, as WebShop has. A smaller shop's products and
 * requests are the first ones of a larger shop.
 */
const FIRST_DENSITY = 0.4;
const LATER_REQUESTS = 1695;
/** People ask more often for things that come in sizes and colours. */
const OPTION_FACTOR = 1.8;
const PLAIN_FACTOR = 0.42;

/**
 * The embedded shop, one product after another, in constant memory. A record depends on the seed and its position
 * alone: the same seed gives the same records in every process, and a shop's size changes none of them.
 * @throws InputError when the word lists are missing or wrong.
 */
export function* recipeProducts(options: RecipeOptions): Generator<RecipeRecord> {
  const seed = options.seed ?? 0;
  const recipe = compileRecipe(readWords(options.folder), seed, options.version ?? DEFAULT_RECIPE);
  for (let i = 0; i < options.products; i++) yield recipeRecord(recipe, seed, i);
}

/** Records that stand for all: a changed word or rule shows in some of them. */
const SAMPLE = 100;

/**
 * Names what the recipe makes from a seed: changes whenever the word lists or the code make other records, so that a
 * shop on disk can be told from one that would be made now.
 */
export function recipeId(options: Omit<RecipeOptions, "products"> = {}): string {
  const hash = createHash("sha256");
  for (const record of recipeProducts({ ...options, products: SAMPLE })) hash.update(JSON.stringify(record));
  return hash.digest("hex").slice(0, 12);
}

/** The record at a position. */
export function recipeRecord(recipe: Recipe, seed: number, index: number): RecipeRecord {
  const design = designAt(recipe, seed, index);
  const listing = writeListing(design, asinAt(seed, index), recipe, stream(seed, "listing", index));
  return {
    raw: listing.raw,
    attributes: listing.attributes,
    synthetic: writeSynthetic(design, listing),
    instructions: requestsAt(recipe, seed, index, design, listing),
  };
}

function requestsAt(
  recipe: Recipe,
  seed: number,
  index: number,
  design: Design,
  listing: ReturnType<typeof writeListing>,
): HumanInstruction[] {
  const density = index < DEFAULT_PRODUCTS ? FIRST_DENSITY : LATER_REQUESTS / index;
  const random = stream(seed, "request", index);
  const requests: HumanInstruction[] = [];
  if (random.next() < density * (design.options.length > 0 ? OPTION_FACTOR : PLAIN_FACTOR)) {
    const request = writeRequest(design, listing, recipe, random);
    if (request !== null) requests.push(request);
  }
  return requests;
}

/** A design of its own, or a variant of one a little earlier. */
function designAt(recipe: Recipe, seed: number, index: number): Design {
  const own = stream(seed, "design", index);
  if (own.next() >= VARIANT_SHARE || index === 0) return drawDesign(recipe, own);
  const original = index - 1 - own.below(Math.min(VARIANT_REACH, index));
  const originals = stream(seed, "design", original);
  originals.next();
  return drawVariant(drawDesign(recipe, originals), own);
}

/** Digits of an ASIN after "B0": one of 10 × 36⁴ by position, without repetition, then three of hash. */
const ASIN_SPACE = 10 * 36 ** 4;
const ASIN_STEP = 10_368_889; // prime, so coprime to the space

/**
 * ASINs that look like Amazon's ("B07XK3…": "B0", a digit, seven of 0–9A–Z), different for different positions,
 * in no order.
 */
function asinAt(seed: number, index: number): string {
  const random = stream(seed, "asin", index);
  const place = ((index % ASIN_SPACE) * ASIN_STEP + 7_654_321) % ASIN_SPACE;
  const head = Math.floor(place / 36 ** 4);
  const tail =
    (place % 36 ** 4).toString(36).padStart(4, "0") +
    random
      .below(36 ** 3)
      .toString(36)
      .padStart(3, "0");
  return `B0${head}${tail.toUpperCase()}`;
}
