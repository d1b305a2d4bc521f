import type { Goal, Product } from "../types.js";

/** A product as one line of JSON: its fields in a fixed order, so that the same product is the same bytes. */
export function productLine(p: Product): string {
  return `${JSON.stringify([
    p.asin,
    p.title,
    p.description,
    p.bulletPoints,
    p.pricing,
    p.priceLabel,
    p.options.map((group) => [group.name, group.values]),
    p.attributes,
    p.category,
    p.query,
    p.productCategory,
    p.mainImage,
  ])}\n`;
}

type ProductFields = [
  string,
  string,
  string,
  string[],
  number[],
  string,
  [string, string[]][],
  string[],
  string,
  string,
  string,
  string,
];

/** The product of a line. */
export function parseProduct(line: string): Product {
  const f = JSON.parse(line) as ProductFields;
  return {
    asin: f[0],
    title: f[1],
    description: f[2],
    bulletPoints: f[3],
    pricing: f[4],
    priceLabel: f[5],
    options: f[6].map(([name, values]) => ({ name, values })),
    attributes: f[7],
    category: f[8],
    query: f[9],
    productCategory: f[10],
    mainImage: f[11],
  };
}

/** A goal as one line of JSON. Its index is its place in the file. */
export function goalLine(g: Goal): string {
  return `${JSON.stringify([
    g.asin,
    g.category,
    g.query,
    g.name,
    g.productCategory,
    g.instruction,
    g.attributes,
    g.options,
    g.priceUpper,
    g.weight,
  ])}\n`;
}

type GoalFields = [
  string,
  string,
  string,
  string,
  string,
  string,
  string[],
  (string | [string, string])[],
  number,
  number,
];

/** The goal of a line. */
export function parseGoal(line: string, index: number): Goal {
  const f = JSON.parse(line) as GoalFields;
  return {
    index,
    asin: f[0],
    category: f[1],
    query: f[2],
    name: f[3],
    productCategory: f[4],
    instruction: f[5],
    attributes: f[6],
    options: f[7],
    priceUpper: f[8],
    weight: f[9],
  };
}
