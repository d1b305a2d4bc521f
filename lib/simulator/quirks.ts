import { InputError } from "../base/index.js";

/**
 * Peculiarities of WebShop, each under its own switch (docs/quirks.md). True is WebShop's
 * way; false mends it. Quirks of the data itself (one indexed bullet point, goal 0 never drawn, prices drawn
 * before seeding) are chosen where the data is built: see `indexText`, `drawGoal` and `drawPrices`.
 */
export interface Quirks {
  /** The name before the bracket must be exactly `search` or `click`, and is cut at the LAST usable bracket. */
  readonly strictActions: boolean;
  /** A search runs on every page, with or without a search bar. */
  readonly searchAnywhere: boolean;
  /** Actions are still followed after the purchase. */
  readonly afterDone: boolean;
  /** The start page lists "search" among what can be clicked, though the click does nothing. */
  readonly searchListed: boolean;
  /** "Next >" is offered on every page of results, also past the last. */
  readonly endlessPaging: boolean;
  /** Paging and "< Prev" count as searches. */
  readonly pagingCounts: boolean;
  /** "< Prev" and "Next >" go by page names found anywhere in the address, keywords and session name included. */
  readonly pageFromAddress: boolean;
  /** A value that stands in two option groups always chooses in the last. */
  readonly lastGroupWins: boolean;
  /** `text` observations do not show which options are chosen. */
  readonly hiddenChoices: boolean;
  /** `text_rich` shows a value as chosen if it stands in double quotes in the address: never one with a quote or an accent. */
  readonly choicesFromAddress: boolean;
  /** The done page leaves the target empty and prints "None" for what it was not given. */
  readonly bareDonePage: boolean;
  /** `<a>` searches, `<r>` in a shop of fewer than 50 and a bare `<c>` fail (WebShop raises an exception). */
  readonly specialSearchesFail: boolean;
  /** Any option value that contains the letters of a colour is replaced by that colour ("standard" → "tan"). */
  readonly colourSubstrings: boolean;
  /** Options match when one's words are among the other's ("large" satisfies "x-large"), or nearly so. */
  readonly tokenSubsets: boolean;
  /** A low title score lowers r_type even where query or category match. */
  readonly titleOverrides: boolean;
  /** Nouns that the target's title repeats count each time in the divisor, so a product can miss its own title. */
  readonly repeatedNouns: boolean;
}

/** WebShop as it is. */
export const WEBSHOP_QUIRKS: Quirks = {
  strictActions: true,
  searchAnywhere: true,
  afterDone: true,
  searchListed: true,
  endlessPaging: true,
  pagingCounts: true,
  pageFromAddress: true,
  lastGroupWins: true,
  hiddenChoices: true,
  choicesFromAddress: true,
  bareDonePage: true,
  specialSearchesFail: true,
  colourSubstrings: true,
  tokenSubsets: true,
  titleOverrides: true,
  repeatedNouns: true,
};

/** Every quirk mended. */
export const FIXED_QUIRKS: Quirks = Object.fromEntries(
  Object.keys(WEBSHOP_QUIRKS).map((name) => [name, false]),
) as unknown as Quirks;

/**
 * All switches of an environment.
 * @throws InputError when a name is not a quirk's.
 */
export function resolveQuirks(compat: "webshop" | "fixed", overrides: Partial<Quirks> = {}): Quirks {
  const unknown = Object.keys(overrides).find((name) => !Object.hasOwn(WEBSHOP_QUIRKS, name));
  if (unknown !== undefined) {
    throw new InputError(
      `There is no quirk "${unknown}"; there are ${Object.keys(WEBSHOP_QUIRKS).join(", ")}.`,
    );
  }
  if (compat !== "webshop" && compat !== "fixed") {
    throw new InputError(`compat must be "webshop" or "fixed", not "${String(compat)}".`);
  }
  return { ...(compat === "webshop" ? WEBSHOP_QUIRKS : FIXED_QUIRKS), ...overrides };
}
