/**
 * Readers that know every way in which the recipe's listings and requests say an attribute: what a text tells, and what nobody who reads
 * it can know. They use the recipe's word lists, so they are no agents: a bound for each protocol, in bench/calibrate.ts.
 */
import { contentWords, bestMatch, keywords, priceBound, withoutPrice } from "../lib/agents/index.js";
import type { Product } from "../lib/simulator/index.js";
import { readWords, type Words } from "../lib/simulator/recipe/words.js";

/** What a reader sees of a product beside its price. */
export const READ = {
  titles: ({ title }: Product): string => title,
  metadata: ({ title, bulletPoints, options }: Product): string =>
    [title, bulletPoints[0] ?? "", ...options.flatMap(({ values }) => values)].join("\n"),
  pages: ({ title, bulletPoints, description, options }: Product): string =>
    [title, ...bulletPoints, description, ...options.flatMap(({ values }) => values)].join("\n"),
} as const;

interface Known {
  readonly name: string;
  readonly listing: readonly RegExp[];
  readonly request: readonly RegExp[];
}

/** Reads what a request asks for and what a product's text states, whatever the words. */
export class ParaphraseReader {
  readonly #attributes: readonly Known[];
  readonly #kinds: readonly { readonly ask: readonly RegExp[]; readonly names: readonly RegExp[] }[];

  constructor(words: Words = readWords()) {
    const { before, with: withs, for: fors } = words.attributes;
    this.#attributes = Object.entries({ ...before, ...withs, ...fors }).map(([name, [listing, request]]) => ({
      name,
      listing: [name, ...listing].map(asWords),
      request: [name, ...request].map(asWords),
    }));
    this.#kinds = words.categories
      .flatMap(({ types }) => types)
      .map(({ names, ask }) => ({ ask: [...ask, ...names].map(asWords), names: names.map(asWords) }));
  }

  /** The place of the product that fits best by what its text tells, from 0. */
  choose(listed: readonly Product[], instruction: string, see: (product: Product) => string): number {
    const scores = this.scores(listed, instruction, see);
    return Math.max(0, scores.indexOf(Math.max(...scores)));
  }

  /** How well each product fits by what its text tells. */
  scores(
    listed: readonly Product[],
    instruction: string,
    see: (product: Product) => string,
  ): readonly number[] {
    const wanted = withoutPrice(instruction).toLowerCase().replaceAll("'", "");
    const attributes = this.#attributes.filter(({ request }) => request.some((form) => form.test(wanted)));
    const kinds = this.#kinds.filter(({ ask }) => ask.some((form) => form.test(wanted)));
    const own = new Set(contentWords(wanted));
    const bound = priceBound(instruction);
    return listed.map((product) => {
      const text = see(product).toLowerCase().replaceAll("'", "");
      const stated = attributes.filter(({ listing }) => listing.some((form) => form.test(text))).length;
      const shown = product.options.filter(({ values }) =>
        values.some((value) => text.includes(value.toLowerCase())),
      );
      const matched = shown.filter(({ values }) => fits(values, wanted)).length;
      const affordable = Math.min(...product.pricing) <= bound ? 1 : 0;
      const right =
        kinds.length === 0 || kinds.some(({ names }) => names.some((form) => form.test(text))) ? 1 : 0.5;
      const held = new Set(contentWords(text));
      const covered = [...own].filter((word) => held.has(word)).length / Math.max(1, own.size);
      const of = attributes.length + 2;
      return (right * (stated + matched + affordable)) / of + covered / 4;
    });
  }

  /** Whether a text states an attribute in some way, and in the attribute's own words. */
  states(text: string, attribute: string): { readonly somehow: boolean; readonly fully: boolean } {
    const words = new Set(contentWords(text));
    const low = text.toLowerCase();
    const known = this.#attributes.find(({ name }) => name === attribute);
    return {
      somehow: known?.listing.some((form) => form.test(low)) ?? false,
      fully: contentWords(attribute).every((word) => words.has(word)),
    };
  }
}

/** The query that all readers type. */
export function readersQuery(instruction: string): string {
  return keywords(instruction).join(" ");
}

function fits(values: readonly string[], wanted: string): boolean {
  const value = bestMatch(values, wanted);
  return value !== undefined && wanted.includes(value.toLowerCase());
}

function asWords(form: string): RegExp {
  const plain = form
    .toLowerCase()
    .replaceAll("'", "")
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\d])${plain}(?![\\p{L}\\d])`, "u");
}
