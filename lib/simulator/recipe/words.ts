import { join } from "node:path";
import { z } from "zod";
import { InputError, readJson } from "../../base/index.js";

/**
 * The recipe's words: `data/recipe/*.json`, checked. Everything that a listing or a request says comes from these
 * files; the code beside this one only decides what is said together.
 */

const words = z.array(z.string()).min(1);

/** The five categories, in the order in which their product types are numbered: each has a file of its name. */
const CATEGORIES = ["beauty", "electronics", "fashion", "garden", "grocery"] as const;
export type Category = (typeof CATEGORIES)[number];
const category = z.enum(CATEGORIES);
/** Words for each category, none left out. */
const byCategory = z.record(category, words);

const attributeForms = z.tuple([words, words]);
const attributesSchema = z.strictObject({
  /** Attribute → how listings say it, how people ask for it. "before": said before the noun; "with", "for": after it. */
  before: z.record(z.string(), attributeForms),
  with: z.record(z.string(), attributeForms),
  for: z.record(z.string(), attributeForms),
  /** Sets of which a product has at most one. */
  exclusive: z.array(words),
});

const typeSchema = z.strictObject({
  /** Its names in listings; the first is the most usual. */
  names: words,
  /** Its names in requests. */
  ask: words,
  /** The phrases under which it was found. */
  query: words,
  /** Breadcrumb, levels joined with " > ". */
  path: z.string(),
  /** Typical price in dollars, and how many times that the dearest cost (and the cheapest fall short of it). */
  price: z.tuple([z.number().positive(), z.number().min(1)]),
  /** Attributes it may have, or "@group". */
  attributes: words,
  /** Option name → values, or "@palette" of options.json. */
  options: z.record(z.string(), z.union([words, z.string()])),
  /** Words of titles that are not attributes. */
  details: words,
  plural: z.boolean().optional(),
});

const categorySchema = z.strictObject({
  category,
  /** Fraction of the products that have options. */
  optionShare: z.number().min(0).max(1),
  groups: z.record(z.string(), words),
  types: z.array(typeSchema).min(1),
});

const phrasesSchema = z.strictObject({
  brands: z.strictObject({ starts: words, middles: words, ends: words, surnames: words, tails: words }),
  clutter: words,
  audience: byCategory,
  packs: words,
  /** By category: what titles are filled with. */
  padding: byCategory,
  bullets: z.strictObject({ attribute: words, with: words, for: words, filler: words }),
  descriptions: z.strictObject({
    open: words,
    middle: words,
    with: words,
    for: words,
    /** By category. */
    about: byCategory,
    cross: words,
    chat: words,
    close: words,
  }),
});

const tailsSchema = z.strictObject({ before: z.number(), tails: words });
const requestsSchema = z.strictObject({
  openers: z.array(z.tuple([z.string(), z.number()])),
  attributeTails: words,
  withTails: words,
  forTails: words,
  options: z.strictObject({
    color: tailsSchema,
    size: tailsSchema,
    /** Sizes of what is worn. */
    wear: tailsSchema,
    flavor: tailsSchema,
    scent: tailsSchema,
    style: tailsSchema,
  }),
  vague: byCategory,
  fillers: words,
  brandPhrases: words,
});

export type AttributeWords = z.infer<typeof attributesSchema>;
export type TypeWords = z.infer<typeof typeSchema>;
export type CategoryWords = z.infer<typeof categorySchema>;
export type Phrases = z.infer<typeof phrasesSchema>;
export type RequestWords = z.infer<typeof requestsSchema>;

/** All word lists. */
export interface Words {
  readonly attributes: AttributeWords;
  readonly categories: readonly CategoryWords[];
  readonly palettes: Readonly<Record<string, readonly string[]>>;
  readonly phrases: Phrases;
  readonly requests: RequestWords;
}

/** Where the recipe's words lie, from the project's root. */
export const RECIPE_FOLDER = join("data", "recipe");

/**
 * Reads the recipe's words.
 * @throws InputError when a file is missing, is not JSON, or has a wrong or unknown field.
 */
export function readWords(folder: string = RECIPE_FOLDER): Words {
  const read = <T>(name: string, schema: z.ZodType<T>): T => {
    const path = join(folder, `${name}.json`);
    const result = schema.safeParse(readJson(path, "recipe file"));
    if (result.success) return result.data;
    const issue = result.error.issues[0]!;
    throw new InputError(`The recipe file ${path} is wrong at "${issue.path.join(".")}": ${issue.message}.`);
  };
  return {
    attributes: read("attributes", attributesSchema),
    categories: CATEGORIES.map((name) => read(name, categorySchema)),
    palettes: read("options", z.record(z.string(), words)),
    phrases: read("phrases", phrasesSchema),
    requests: read("requests", requestsSchema),
  };
}
