/**
 * How listings tell what they sell, by the recipe's version. A version's numbers are never changed once records were made on its shop:
 * another habit is another version.
 */

/** The versions that can be made. */
export const RECIPE_VERSIONS = [1, 2] as const;
export type RecipeVersion = (typeof RECIPE_VERSIONS)[number];

/** The version of the default shop. */
export const DEFAULT_RECIPE: RecipeVersion = 1;

/** Probabilities of a request's parts that a version may change. */
export interface RequestHabits {
  /** Wishes that the shopper does not state. */
  readonly unsaidAttribute: number;
  readonly unsaidOption: number;
}

/** Probabilities of a listing's parts. The calibration (docs/shop.md) chose these numbers. */
export interface ListingHabits {
  /** An attribute is said in the title; failing that in the first bullet or the description, which search reads; … */
  readonly inTitle: number;
  readonly inIndexedText: number;
  /** … failing that in a later bullet, which search does not read. The rest is in the hidden list alone. */
  readonly inOtherBullet: number;
  /** What title, first bullet or description say is said again in a later bullet, in words drawn anew. */
  readonly again: number;
  /** Of the ways of saying an attribute, bullets take the first, which is mostly its own name; else any. */
  readonly plainly: number;
  /** An attribute stands in the hidden list. */
  readonly hidden: number;
  readonly emptyDescription: number;
  /** A description mentions another kind of product, or talks to the reader. */
  readonly cross: number;
  readonly chat: number;
  /** The name of the product's kind stands among its attributes (as "bed frame" does in WebShop's lists). */
  readonly ownKind: number;
  /** Words that titles aim at with phrases about nothing in particular; 0: as many as come by themselves. */
  readonly titleWords: number;
}

const FIRST: ListingHabits = {
  inTitle: 0.38,
  inIndexedText: 0.42,
  inOtherBullet: 0.6,
  again: 0,
  plainly: 0,
  hidden: 0.93,
  emptyDescription: 0.32,
  cross: 0.4,
  chat: 0.24,
  ownKind: 0.3,
  titleWords: 0,
};

/**
 * 1: titles of ten words, and pages that leave out a quarter of what is true. 2: titles of eighteen words, and pages that tell what the
 * list hides, as in the real shop (docs/shop.md).
 */
export const LISTING_HABITS: Readonly<Record<RecipeVersion, ListingHabits>> = {
  1: FIRST,
  2: { ...FIRST, inIndexedText: 0.3, inOtherBullet: 0.9, again: 0.75, plainly: 0.6, titleWords: 16.3 },
};

/** 2: people leave less unsaid, so that who reads all that is shown can serve as many of them as in the real shop. */
export const REQUEST_HABITS: Readonly<Record<RecipeVersion, RequestHabits>> = {
  1: { unsaidAttribute: 0.21, unsaidOption: 0.17 },
  2: { unsaidAttribute: 0.08, unsaidOption: 0.06 },
};
