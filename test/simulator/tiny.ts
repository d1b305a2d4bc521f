import {
  indexText,
  priceLabel,
  type Catalogue,
  type Goal,
  type Hit,
  type Product,
} from "../../lib/simulator/index.js";

/** A made-up product; what is not given is plain. */
export function tinyProduct(fields: Partial<Product>): Product {
  const pricing = fields.pricing ?? [25];
  return {
    asin: "B000000001",
    title: "Plain Canvas Shoes",
    description: "Made of canvas.",
    bulletPoints: ["Light sole", "Easy to clean"],
    pricing,
    priceLabel: priceLabel(pricing),
    options: [],
    attributes: ["rubber sole"],
    category: "fashion",
    query: "women's shoes",
    productCategory: "Clothing › Women › Shoes",
    mainImage: "",
    ...fields,
  };
}

/** A goal on a product; what is not given follows from the product. */
export function tinyGoal(product: Product, fields: Partial<Goal> = {}): Goal {
  return {
    index: 0,
    asin: product.asin,
    category: product.category,
    query: product.query,
    name: product.title,
    productCategory: product.productCategory,
    instruction: `i need ${product.title}`,
    attributes: ["rubber sole"],
    options: [],
    priceUpper: 50,
    weight: 1,
    ...fields,
  };
}

/** A catalogue in memory whose search counts shared words: enough to move through pages with. */
export class TinyCatalogue implements Catalogue {
  readonly fingerprint = "tiny";
  readonly #words: readonly ReadonlySet<string>[];

  constructor(
    readonly products: readonly Product[],
    readonly goals: readonly Goal[],
    readonly prices: readonly number[] = products.map((product) => product.pricing[0]!),
  ) {
    this.#words = products.map((product) => new Set(indexText(product).split(/\s+/)));
  }

  get size(): number {
    return this.products.length;
  }

  get goalCount(): number {
    return this.goals.length;
  }

  product(index: number): Product {
    return this.products[index]!;
  }

  indexOf(asin: string): number {
    return this.products.findIndex((product) => product.asin === asin);
  }

  price(index: number): number {
    return this.prices[index]!;
  }

  goal(index: number): Goal {
    return this.goals[index]!;
  }

  search(query: string, limit: number): readonly Hit[] {
    const words = new Set(query.toLowerCase().split(/\s+/));
    return this.#words
      .map((own, index) => ({ index, score: [...words].filter((word) => own.has(word)).length }))
      .filter((hit) => hit.score > 0)
      .sort((a, b) => b.score - a.score || (this.product(a.index).asin < this.product(b.index).asin ? -1 : 1))
      .slice(0, limit);
  }

  where(field: "category" | "query" | "attribute", value: string): readonly number[] {
    return this.products.flatMap((product, index) => {
      const found = field === "attribute" ? product.attributes.includes(value) : product[field] === value;
      return found ? [index] : [];
    });
  }
}
