/** The selection decision: ten numbered results in, a number out (the thesis's second decision). */
import type { Message } from "./message.js";
import { plainAnswer } from "./thinking.js";

/** One result as the prompt lists it. */
export interface Listing {
  readonly title: string;
  /** One price, or two for a range, in dollars. */
  readonly pricing: readonly number[];
  readonly bulletPoints?: readonly string[];
  readonly options?: readonly { readonly values: readonly string[] }[];
}

/** What a list tells of each result: title and price as the shop's own page, or also the first bullet point and the options' values. */
export const LISTINGS = ["titles", "metadata"] as const;
export type ListingText = (typeof LISTINGS)[number];

/** A result's line in a list. */
export function lineOf(listing: Listing, text: ListingText): string {
  const line = listingLine(listing);
  if (text === "titles") return line;
  const values = (listing.options ?? []).map((group) => group.values.join(", "));
  const more = [listing.bulletPoints?.[0] ?? "", ...values].filter((part) => part !== "");
  return [line, ...more].join(" | ").replace(/\s+/g, " ");
}

/** The prompt of the selection decision; `listings` are numbered from 1 as printed. */
export function selectPrompt(
  instruction: string,
  query: string,
  listings: readonly Listing[],
  text: ListingText = "titles",
): readonly Message[] {
  const lines = listings.map((listing, i) => `${i + 1}. ${lineOf(listing, text)}`);
  return [
    { role: "system", content: "You pick the product that fits a request best." },
    {
      role: "user",
      content:
        `Instruction: ${instruction}\nSearch query: ${query}\n${lines.join("\n")}\n` +
        `Reply with a number from 1 to ${listings.length} only.`,
    },
  ];
}

/** A title's first line and its price with two decimals; a range shows its mean, no price shows nothing. */
export function listingLine({ title, pricing }: Listing): string {
  const first = title.split(/\r?\n/)[0]!.trim();
  const price = pricing.reduce((sum, value) => sum + value, 0) / Math.max(1, pricing.length);
  return price > 0 ? `${first} – $${price.toFixed(2)}` : first;
}

/** A selection answer: the position in the list, and whether it said one at all. */
export interface Selection {
  /** From 0. The first result when the answer names none. */
  readonly index: number;
  /** False when the answer held no number that is on the list. */
  readonly valid: boolean;
}

/** The first number from 1 to `count` that stands alone in a model's answer, after its thinking. */
export function parseSelection(answer: string, count: number): Selection {
  for (const match of plainAnswer(answer).text.matchAll(/(?<![\d.])\d+(?![\d]|\.\d)/g)) {
    const number = Number(match[0]);
    if (number >= 1 && number <= count) return { index: number - 1, valid: true };
  }
  return { index: 0, valid: false };
}
