/** Which tagger finds a title's nouns: spaCy's, as in WebShop, or the one that Aisle comes with (docs/tagger.md). */
import { InputError } from "../base/index.js";
import { Cache } from "./cache.js";
import { nounsOf } from "./nouns.js";
import type { NounTagger } from "./reward.js";
import { hasSpacyTagger, openSpacyTagger, taggerFile, type SpacyTagger } from "./tagger/index.js";
import type { Catalogue, EnvironmentSettings } from "./types.js";

export type TaggerKind = "spacy" | "wink";

/** A tagger as the reward uses it. */
export interface NounFinder {
  readonly kind: TaggerKind;
  /** With its version: records keep it. */
  readonly name: string;
  readonly nouns: NounTagger;
}

const WINK: NounFinder = { kind: "wink", name: "wink-nlp 2.4.0, mended", nouns: nounsOf };

/**
 * The tagger for a catalogue. By default it is spaCy's where WebShop's own products are rewarded as WebShop
 * rewards them and the weights are here, and Aisle's own everywhere else: what was measured on the embedded shop stays as it
 * is, whether the weights are here or not.
 * @throws InputError when spaCy's is asked for by name and is not here, or its file is damaged.
 */
export function chooseTagger(
  catalogue: Pick<Catalogue, "webshop">,
  settings: Pick<Partial<EnvironmentSettings>, "compat" | "tagger"> = {},
): NounFinder {
  const { compat = "webshop", tagger } = settings;
  if (tagger !== undefined && tagger !== "spacy" && tagger !== "wink") {
    throw new InputError(`tagger must be "spacy" or "wink", not "${String(tagger)}".`);
  }
  if (tagger === "spacy" && !hasSpacyTagger()) {
    throw new InputError(
      `spaCy's tagger is not here (${taggerFile()}): get it with "aisle data fetch tagger".`,
    );
  }
  const own = compat === "webshop" && catalogue.webshop === true && hasSpacyTagger();
  return (tagger ?? (own ? "spacy" : "wink")) === "spacy" ? spacyFinder(openSpacyTagger()) : WINK;
}

/** spaCy refuses longer texts. */
const MAX_LENGTH = 1_000_000;
/** Longer titles are not kept in the cache. */
const MAX_CACHED_LENGTH = 2_000;
const finders = new WeakMap<SpacyTagger, NounFinder>();

function spacyFinder(tagger: SpacyTagger): NounFinder {
  let finder = finders.get(tagger);
  if (finder === undefined) {
    const cache = new Cache<string, readonly string[]>(20_000);
    const nouns = (title: string): readonly string[] =>
      title.length > MAX_CACHED_LENGTH
        ? tagger.nouns(title.slice(0, MAX_LENGTH))
        : cache.get(title, () => tagger.nouns(title));
    finders.set(tagger, (finder = { kind: "spacy", name: `spaCy's ${tagger.name}`, nouns }));
  }
  return finder;
}
