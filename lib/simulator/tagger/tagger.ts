/** spaCy's nouns of a title: its tokenizer, its network and its rules, put together. */
import { isWhite, normOf } from "./words.js";
import type { TaggerModel } from "./model.js";
import { TaggerNetwork } from "./network.js";
import { Ruler } from "./ruler.js";
import type { Word } from "./token.js";
import { Tokenizer } from "./tokenizer.js";

/** A token with its tags, as spaCy gives it. */
export interface TaggedToken {
  readonly text: string;
  /** The form that the network is told of: lower case, spellings and contractions made alike. */
  readonly norm: string;
  /** Fine tag, e.g. NNP. */
  readonly tag: string;
  /** Coarse part of speech, e.g. PROPN; "" where no rule gives one. */
  readonly pos: string;
}

/** Tags texts as spaCy's pipeline does. */
export class SpacyTagger {
  /** e.g. "en_core_web_sm 3.8.0". */
  readonly name: string;
  readonly #labels: readonly string[];
  readonly #tokenizer: Tokenizer;
  readonly #network: TaggerNetwork;
  readonly #ruler: Ruler;
  readonly #norms: ReadonlyMap<string, string>;

  /** @throws InputError when a rule of the tokenizer cannot be read. */
  constructor(model: TaggerModel) {
    const { name, version, labels, norms, rules, tokenizer } = model.description;
    this.name = `${name} ${version}`;
    this.#labels = labels;
    this.#tokenizer = new Tokenizer(tokenizer);
    this.#network = new TaggerNetwork(model);
    this.#ruler = new Ruler(rules, labels);
    this.#norms = new Map(norms);
  }

  /** Every token of a text with its tags. */
  tagged(text: string): TaggedToken[] {
    return this.#map(text, (word, label, pos) => ({
      text: word.text,
      norm: word.norm ?? normOf(word.text, this.#norms),
      tag: this.#labels[label]!,
      pos,
    }));
  }

  /** Lower-case nouns and proper nouns of a text in order, repeats included. */
  nouns(text: string): string[] {
    const nouns = this.#map(text, (word, _, pos) =>
      pos === "NOUN" || pos === "PROPN" ? word.text.toLowerCase() : "",
    );
    return nouns.filter((noun) => noun !== "");
  }

  #map<T>(text: string, make: (word: Word, label: number, pos: string) => T): T[] {
    const tokens = this.#tokenizer.tokens(text);
    const labels = this.#network.tag(tokens);
    return tokens.map(({ word }, i) => {
      const label = labels[i]!;
      return make(word, label, this.#ruler.posOf(label, word.text, isWhite(word.text)));
    });
  }
}
