/**
 * spaCy's tokenizer: white space first, then from every piece between white space prefixes and suffixes as long as there are
 * any, then special cases, addresses of the web, and infixes. The rules themselves come with the model.
 */
import { Cache } from "../cache.js";
import { isSpace } from "./characters.js";
import type { SpecialPart, TaggerDescription } from "./model.js";
import { fromPython } from "./patterns.js";
import { SpecialCaseFinder } from "./special-cases.js";
import type { Token } from "./token.js";

/** Pieces between white space whose tokens are kept. */
const MOST_PIECES = 20_000;

/** Cuts texts into tokens, as spaCy does with the same rules. */
export class Tokenizer {
  readonly #prefix: RegExp;
  readonly #suffix: RegExp;
  readonly #infix: RegExp;
  readonly #url: RegExp;
  readonly #specials: ReadonlyMap<string, readonly Token[]>;
  readonly #finder = new SpecialCaseFinder();
  readonly #pieces = new Cache<string, readonly Token[]>(MOST_PIECES);

  /** @throws InputError when a rule cannot be read. */
  constructor(rules: TaggerDescription["tokenizer"]) {
    this.#prefix = fromPython(rules.prefix);
    this.#suffix = fromPython(rules.suffix);
    this.#infix = fromPython(rules.infix, "g");
    this.#url = fromPython(rules.url);
    const none = new Map<string, readonly Token[]>();
    const specials = new Map<string, readonly Token[]>();
    for (const [text, parts] of rules.specialCases) {
      specials.set(text, parts.map(special));
      const cut = this.#prefix.test(text) || this.#suffix.test(text) || text.search(this.#infix) >= 0;
      if (cut || text.includes(" ")) this.#finder.add(this.#cut(text, none));
    }
    this.#specials = specials;
  }

  /** The tokens of a text, white space that is no single space between words included. */
  tokens(text: string): readonly Token[] {
    return this.#finder.apply(this.#cut(text, this.#specials), (found) => this.#specials.get(found));
  }

  #cut(text: string, specials: ReadonlyMap<string, readonly Token[]>): Token[] {
    const tokens: Token[] = [];
    if (text === "") return tokens;
    const take = (start: number, end: number): void => {
      if (start < end) tokens.push(...this.#piece(text.slice(start, end), specials));
    };
    const space = (): void => {
      const last = tokens.pop();
      if (last !== undefined) tokens.push({ word: last.word, spaced: true });
    };
    let white = isSpace(text.charCodeAt(0));
    let start = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (isSpace(code) === white) continue;
      take(start, at);
      const single = code === 0x20;
      if (single) space();
      start = single ? at + 1 : at;
      white = !white;
    }
    const more = start < text.length;
    take(start, text.length);
    if (more && text.endsWith(" ") && !white) space();
    return tokens;
  }

  #piece(piece: string, specials: ReadonlyMap<string, readonly Token[]>): readonly Token[] {
    const special = specials.get(piece);
    if (special !== undefined) return special;
    // The tokens without special cases are asked for once only, while the tokenizer is made.
    if (specials.size === 0) return this.#affixes(piece, specials);
    return this.#pieces.get(piece, () => this.#affixes(piece, specials));
  }

  #affixes(piece: string, specials: ReadonlyMap<string, readonly Token[]>): readonly Token[] {
    const prefixes: Token[] = [];
    const suffixes: Token[] = [];
    let rest = piece;
    for (let before = ""; rest !== "" && rest.length !== before.length;) {
      if (specials.has(rest)) break;
      before = rest;
      const prefix = this.#prefix.exec(rest)?.[0] ?? "";
      const afterPrefix = rest.slice(prefix.length);
      if (prefix !== "" && specials.has(afterPrefix)) {
        prefixes.push(this.#token(prefix));
        rest = afterPrefix;
        break;
      }
      const suffix = this.#suffix.exec(afterPrefix)?.[0] ?? "";
      const beforeSuffix = rest.slice(0, rest.length - suffix.length);
      if (suffix !== "" && specials.has(beforeSuffix)) {
        suffixes.push(this.#token(suffix));
        rest = beforeSuffix;
        break;
      }
      if (prefix !== "") prefixes.push(this.#token(prefix));
      if (suffix !== "") suffixes.push(this.#token(suffix));
      rest = rest.slice(prefix.length, rest.length - suffix.length);
    }
    return [...prefixes, ...this.#middle(rest, specials), ...suffixes.reverse()];
  }

  /** The rest between prefixes and suffixes. */
  #middle(rest: string, specials: ReadonlyMap<string, readonly Token[]>): readonly Token[] {
    if (rest === "") return [];
    const special = specials.get(rest);
    if (special !== undefined) return special;
    if (this.#url.test(rest)) return [this.#token(rest)];
    const tokens: Token[] = [];
    let start = 0;
    // Not by matchAll, which compiles the expression again for every text.
    const infix = this.#infix;
    infix.lastIndex = 0;
    for (let match = infix.exec(rest); match !== null; match = infix.exec(rest)) {
      if (match[0] === "") infix.lastIndex++;
      // An infix at the very beginning cuts nothing off.
      if (match.index === 0) continue;
      if (match.index > start) tokens.push(this.#token(rest.slice(start, match.index)));
      if (match[0] !== "") tokens.push(this.#token(match[0]));
      start = match.index + match[0].length;
    }
    if (start < rest.length) tokens.push(this.#token(rest.slice(start)));
    return tokens;
  }

  #token(text: string): Token {
    return { word: { text, norm: null }, spaced: false };
  }
}

function special([text, norm]: SpecialPart): Token {
  return { word: { text, norm }, spaced: false };
}
