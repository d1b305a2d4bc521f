import { z } from "zod";
import { InputError } from "../base/index.js";
import { floatText, strip } from "./python-text.js";
import type { OptionGroup, Product } from "./types.js";

/** The fields of a row of WebShop's `items_shuffle.json` that are read (docs/webshop.md §1.2); others are ignored. */
export interface RawProduct {
  readonly asin: string;
  readonly name: string;
  readonly full_description?: string | null;
  /** Bullet points; a lone string counts as one. */
  readonly small_description?: readonly string[] | string | null;
  /** E.g. `$19.99` or `$19.99 - $1,029.99`. */
  readonly pricing?: string | null;
  /** Option name → its values, or an empty string where there are none. */
  readonly customization_options?:
    Readonly<Record<string, readonly { readonly value: string }[] | null>> | "" | null;
  /** The first is taken. */
  readonly images?: readonly unknown[] | string | null;
  readonly category: string;
  readonly query: string;
  readonly product_category?: string | null;
}

/** The attributes of a product whose ASIN the attribute file does not know. */
export const UNKNOWN_ATTRIBUTES: readonly string[] = ["DUMMY_ATTR"];

/** Values that are false in Python count as absent where WebShop asks `if pricing` or `if customization_options`. */
const orNothing = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (isFalseInPython(value) ? null : value), schema.nullish());
const textOrNull = z.string().nullish();
/** A loop over an empty list, text or object does nothing in Python, whichever it is. */
const optionValues = z.preprocess(
  (value) => (value === "" || isEmptyObject(value) ? [] : value),
  z.array(z.object({ value: z.string() })).nullable(),
);
const rawSchema = z.object({
  asin: z.string(),
  name: z.string(),
  full_description: textOrNull,
  small_description: z.union([z.array(z.string()), z.string()]).nullish(),
  pricing: orNothing(z.string()),
  customization_options: orNothing(z.record(z.string(), optionValues)),
  images: z.union([z.array(z.unknown()), z.string()]).nullish(),
  category: z.string(),
  query: z.string(),
  product_category: textOrNull,
});

const processedSchema = z.object({
  asin: z.string(),
  Title: z.string(),
  Description: textOrNull,
  BulletPoints: z.array(z.string()),
  pricing: z.array(z.number().nonnegative()).min(1).max(2),
  options: z.record(z.string(), z.array(z.string())),
  Attributes: z.array(z.string()).optional(),
  category: z.string(),
  query: z.string(),
  product_category: textOrNull,
  MainImage: textOrNull,
});

/**
 * Checks that a parsed JSON value is a raw product.
 * @throws InputError that names the field; the caller adds the file and the record's number.
 */
export function asRawProduct(value: unknown): RawProduct {
  return checked(rawSchema, value, "asin");
}

/** Whether WebShop drops a row for its ASIN alone (duplicates are the loader's business: the first wins). */
export function isDroppedAsin(asin: string): boolean {
  return asin === "nan" || [...asin].length > 10;
}

/**
 * WebShop's cleaning of one row (docs/webshop.md §1.3).
 * @param attributes the row's entry in `items_ins_v2.json`, or undefined when it has none.
 * @throws InputError when the price cannot be read.
 */
export function cleanProduct(raw: RawProduct, attributes: readonly string[] | undefined): Product {
  const pricing = parsePricing(raw.pricing ?? "", raw.asin);
  const bullets = raw.small_description ?? "";
  return {
    asin: raw.asin,
    title: raw.name,
    description: raw.full_description ?? "",
    bulletPoints: typeof bullets === "string" ? [bullets] : bullets,
    pricing,
    priceLabel: priceLabel(pricing),
    options: cleanOptions(raw.customization_options || {}),
    attributes: attributes ?? UNKNOWN_ATTRIBUTES,
    category: raw.category,
    query: strip(raw.query.toLowerCase()),
    productCategory: raw.product_category ?? "",
    mainImage: typeof raw.images?.[0] === "string" ? raw.images[0] : "",
  };
}

/**
 * Reads a product that WebShop has cleaned already, as its index documents (`documents.jsonl`, field `product`)
 * hold it.
 * @param attributes replaces the record's own attributes where given.
 * @throws InputError that names the field; the caller adds the file and the line.
 */
export function fromProcessed(value: unknown, attributes?: readonly string[]): Product {
  const record = checked(processedSchema, value, "asin");
  return {
    asin: record.asin,
    title: record.Title,
    description: record.Description ?? "",
    bulletPoints: record.BulletPoints,
    pricing: record.pricing,
    priceLabel: priceLabel(record.pricing),
    options: Object.entries(record.options).map(([name, values]) => ({ name, values })),
    attributes: attributes ?? record.Attributes ?? UNKNOWN_ATTRIBUTES,
    category: record.category,
    query: record.query,
    productCategory: record.product_category ?? "",
    mainImage: record.MainImage ?? "",
  };
}

/**
 * The text that WebShop's search engine indexes, lower-case: title, description, bullet point, options (§3).
 * @param allBullets also indexes the bullet points after the first, which WebShop forgets (docs/quirks.md).
 */
export function indexText(product: Product, allBullets = false): string {
  const bullets = allBullets ? product.bulletPoints.join(" ") : (product.bulletPoints[0] ?? "");
  const options = product.options.map((group) => `${group.name}: ${group.values.join(", ")}`).join(", and ");
  return `${product.title} ${product.description} ${bullets} ${options}`.toLowerCase();
}

/** The price as the pages show it: `$100.0`, `$19.99 to $1029.99`. */
export function priceLabel(pricing: readonly number[]): string {
  return pricing
    .slice(0, 2)
    .map((price) => `$${floatText(price)}`)
    .join(" to ");
}

/** Numbers after each "$", at most two; `[100]` where there is no price at all. */
function parsePricing(text: string, asin: string): number[] {
  if (text === "") return [100];
  const parts = text.split("$").slice(1, 3);
  const prices = parts.map((part) => {
    const digits = part.replace(/[^\d.]/g, "");
    return digits === "" ? NaN : Number(digits);
  });
  if (prices.length === 0 || !prices.every(Number.isFinite)) {
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    throw new InputError(
      `Product ${asin} has the unreadable price "${shown}"; it should look like "$19.99" or "$19.99 - $29.99".`,
    );
  }
  return prices;
}

/** Names and values in lower case; "/" in a value becomes " | ". Of two names equal in lower case the later wins. */
function cleanOptions(
  options: Readonly<Record<string, readonly { readonly value: string }[] | null>>,
): OptionGroup[] {
  const groups = new Map<string, string[]>();
  for (const [name, contents] of Object.entries(options)) {
    if (contents === null) continue;
    const values = contents.map(({ value }) => strip(value).replaceAll("/", " | ").toLowerCase());
    groups.set(name.toLowerCase(), values);
  }
  return [...groups].map(([name, values]) => ({ name, values }));
}

function isFalseInPython(value: unknown): boolean {
  return value === "" || value === 0 || value === false || isEmptyObject(value);
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function checked<T>(schema: z.ZodType<T>, value: unknown, idField: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const id = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[idField] : null;
  const who = typeof id === "string" ? `Product ${id.slice(0, 20)}` : "A product";
  const field = issue.path.length > 0 ? `field "${issue.path.join(".")}"` : "record";
  throw new InputError(`${who} has a wrong ${field}: ${issue.message}.`);
}
