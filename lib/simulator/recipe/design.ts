import type { Random } from "../../base/index.js";
import { type Attribute, drawType, type ProductType, type Recipe } from "./compile.js";

/**
 * A product's true properties, before a listing describes it. A listing may leave things out and a request may ask for
 * things in other words; the design is the truth that both start from.
 */
export interface Design {
  readonly type: ProductType;
  readonly brand: string;
  /** Which of the type's names the listing uses. */
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly details: readonly string[];
  /** Option name → values as the listing writes them. Empty in most categories for most products. */
  readonly options: readonly { readonly name: string; readonly values: readonly string[] }[];
  /** One price or the two ends of a range in cents; empty where the listing has none. */
  readonly cents: readonly number[];
}

/** Fraction of listings with a price range, and with no price at all (WebShop's 100 first: 13 and about 4). */
const RANGE_PROBABILITY = 0.13;
const NO_PRICE_PROBABILITY = 0.04;

/** A product of its own. */
export function drawDesign(recipe: Recipe, random: Random): Design {
  const type = drawType(recipe, random);
  // Squared: a few brands sell much, many sell little.
  const brand = type.brands[Math.floor(type.brands.length * random.next() * random.next())]!;
  const name = random.next() < 0.5 ? type.names[0]! : random.pick(type.names);
  const count = 2 + random.below(2) + random.below(3);
  return {
    type,
    brand,
    name,
    attributes: drawAttributes(type.attributes, count, random),
    details:
      random.next() < 0.3
        ? [random.pick(type.details), random.pick(type.details)]
        : [random.pick(type.details)],
    options: drawOptions(type, random),
    cents: drawPrice(type, random),
  };
}

/** A near-duplicate: the same product with one or two things changed. */
export function drawVariant(design: Design, random: Random): Design {
  const { type } = design;
  const change = random.next();
  const changed: Partial<Design> =
    change < 0.5
      ? { attributes: swapAttribute(design, random) }
      : change < 0.75
        ? { options: drawOptions(type, random) }
        : { details: [random.pick(type.details)], attributes: swapAttribute(design, random) };
  return {
    ...design,
    ...changed,
    name: random.next() < 0.6 ? design.name : random.pick(type.names),
    cents: random.next() < 0.4 ? design.cents : drawPrice(type, random),
  };
}

function drawAttributes(pool: readonly Attribute[], count: number, random: Random): Attribute[] {
  const chosen: Attribute[] = [];
  // A handful of draws is enough; a repeated or excluded attribute is passed over.
  for (let tries = 0; tries < count * 3 && chosen.length < count; tries++) {
    const attribute = random.pick(pool);
    if (chosen.every((other) => other !== attribute && !other.excludes.has(attribute.name)))
      chosen.push(attribute);
  }
  return chosen;
}

function swapAttribute(design: Design, random: Random): readonly Attribute[] {
  const out = random.below(design.attributes.length);
  const kept = design.attributes.filter((_, i) => i !== out);
  const fresh = random.pick(design.type.attributes);
  if (design.attributes.includes(fresh) || kept.some((other) => other.excludes.has(fresh.name))) return kept;
  return [...kept, fresh];
}

function drawOptions(type: ProductType, random: Random): Design["options"] {
  if (random.next() >= type.optionShare || type.options.length === 0) return [];
  const many = type.category === "fashion" ? 0.85 : 0.5;
  const groups =
    type.options.length === 1 || random.next() < many
      ? type.options.slice(0, 2)
      : [type.options[random.below(type.options.length)]!];
  return groups.map(({ name, values }) => ({ name, values: drawValues(values, random) }));
}

/** Sizes and the like keep their order and stand together; colours are a handful from all over the palette. */
function drawValues(values: readonly string[], random: Random): string[] {
  const count = Math.min(values.length, 2 + random.below(4) + random.below(4));
  if (values.length <= 17) {
    const first = random.below(values.length - count + 1);
    return values.slice(first, first + count);
  }
  const chosen = new Set<string>();
  while (chosen.size < count) chosen.add(random.pick(values));
  return [...chosen];
}

/** Around the type's usual price, expensive ones by the same factor above as cheap ones below; only + − × ÷, so that it is exact everywhere. */
function drawPrice(type: ProductType, random: Random): number[] {
  if (random.next() < NO_PRICE_PROBABILITY) return [];
  const away = random.next() + random.next() - 1; // triangular in (-1, 1)
  const far = 1 + Math.abs(away) * (type.priceFactor - 1);
  const price = away < 0 ? type.price / far : type.price * far;
  const low = endings(price, random);
  if (random.next() >= RANGE_PROBABILITY) return [low];
  return [low, endings(price * (1.1 + random.next() * 0.9), random)];
}

/** Shop prices: 12.99, 12.95, 12.00, 12.49, or any cents. */
function endings(dollars: number, random: Random): number {
  const whole = Math.max(3, Math.floor(dollars)) * 100;
  const kind = random.next();
  if (kind < 0.55) return whole + 99;
  if (kind < 0.67) return whole + 95;
  if (kind < 0.75) return whole;
  if (kind < 0.82) return whole + 49;
  return whole + random.below(100);
}
