/**
 * The nouns of a product title. WebShop asks spaCy; we ask wink-nlp, mended where its tokens or tags are known to
 * differ from spaCy's. docs/tagger.md compares the candidates and lists every known disagreement.
 */
import winkNLP, { type WinkMethods } from "wink-nlp";
import model from "wink-eng-lite-web-model";
import { Cache } from "./cache.js";

interface Token {
  readonly text: string;
  readonly tag: string;
  /** Whether white space stands before it. */
  readonly spaced: boolean;
}

/** Only this much of a title is read; spaCy refuses longer texts altogether. */
const MAX_LENGTH = 1_000_000;
/** Longer titles are not kept in the cache. */
const MAX_CACHED_LENGTH = 2_000;
const cache = new Cache<string, readonly string[]>(20_000);

/** Wink's tables, as far as we reach into them; internal to it, which is why its version is pinned. */
interface Lexemes {
  readonly hash: Record<string, number>;
  readonly list: readonly string[];
}

let tagger: WinkMethods | null = null;
let lexemes: Lexemes | null = null;
/** Words beyond this many are not kept: then the tables are made anew. */
const MOST_WORDS = 300_000;

/** Lower-case nouns and proper nouns of a title in order, repeats included. */
export function nounsOf(title: string): readonly string[] {
  if (title.length > MAX_CACHED_LENGTH) return tagNouns(title.slice(0, MAX_LENGTH));
  return cache.get(title, () => tagNouns(title));
}

function tagNouns(title: string): readonly string[] {
  const nouns: string[] = [];
  for (const { text, tag } of asSpacy(tokensOf(title))) {
    if (tag !== "NOUN" && tag !== "PROPN") continue;
    // spaCy cuts words at a hyphen between two letters.
    for (const part of text.split(/(?<=\p{L})-(?=\p{L})/u)) nouns.push(part.toLowerCase());
  }
  return nouns;
}

function tokensOf(title: string): Token[] {
  if (tagger === null || lexemes === null || lexemes.list.length > MOST_WORDS) openTagger();
  const { hash, list } = lexemes!;
  const known = list.length;
  const tokens = tagger!.readDoc(title).tokens();
  const texts = tokens.out();
  const tags = tokens.out(tagger!.its.pos) as string[];
  const spaces = tokens.out(tagger!.its.precedingSpaces) as string[];
  // Wink keeps every new word as it first met it, and cuts and tags later texts by that: the nouns of a title would depend
  // on the titles read before it. So what was new is forgotten.
  for (let i = known; i < list.length; i++) Reflect.deleteProperty(hash, list[i]!);
  return texts.map((text, i) => ({ text, tag: tags[i]!, spaced: spaces[i] !== "" }));
}

function openTagger(): void {
  const watched = {
    ...model,
    core: () => {
      const core = (model as unknown as { core(): { features: { lexeme: Lexemes } } }).core();
      lexemes = core.features.lexeme;
      return core;
    },
  };
  tagger = winkNLP(watched as unknown as typeof model, ["sbd", "pos"]);
}

/** Units that spaCy cuts from a number before them; other letters stay: "4GB" is two tokens, "5pcs" is one. */
const UNITS = new Set(
  (
    "km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h mph hpa pa " +
    "mbar mb kb gb tb k % bar"
  ).split(" "),
);

/** Wink's tokens with spaCy's habits. */
function asSpacy(tokens: readonly Token[]): Token[] {
  const result: Token[] = [];
  for (const token of tokens) {
    const last = result[result.length - 1];
    const glued =
      last !== undefined &&
      !token.spaced &&
      /^\d[\d.]*$/.test(last.text) &&
      /^[\p{L}\d]+$/u.test(token.text) &&
      !UNITS.has(token.text.toLowerCase());
    if (glued) {
      const text = last.text + token.text;
      // "10x20" is a number to spaCy.
      const tag = /^\d[\d.]*x\d/i.test(text) ? "NUM" : token.tag;
      result[result.length - 1] = { text, tag, spaced: last.spaced };
    } else {
      result.push(token);
    }
  }
  return result.map((token, i) => ({ ...token, tag: retag(token, result[i - 1], result[i + 1]) }));
}

function retag(token: Token, before: Token | undefined, after: Token | undefined): string {
  // "1920 X 1080": a multiplication sign.
  if (/^x$/i.test(token.text) && before?.tag === "NUM" && after?.tag === "NUM") return "SYM";
  // In a title in capitals, a bare verb beside a name is part of the name: "Nailhead Trim", "Raquel Welch".
  const bareVerb = token.tag === "VERB" && /^\p{Lu}/u.test(token.text) && !/(?:ed|ing)$/i.test(token.text);
  if (bareVerb && (before?.tag === "PROPN" || after?.tag === "PROPN")) return "PROPN";
  return token.tag;
}
