/** spaCy's attribute ruler, as far as it gives coarse parts of speech without the parser. */
import type { RulerRule } from "./model.js";

/** Gives the coarse part of speech of a token from its fine tag and its text. */
export class Ruler {
  /** By label: the rules that its tag allows, later ones first, since the last one that applies wins. */
  readonly #rules: readonly (readonly RulerRule[])[];

  /** @param labels fine tags in the order of the network's outputs. */
  constructor(rules: readonly RulerRule[], labels: readonly string[]) {
    const later = [...rules].reverse();
    this.#rules = labels.map((label) => later.filter(({ tags }) => tags === null || tags.includes(label)));
  }

  /**
   * @param label number of the fine tag.
   * @param white whether the token is white space.
   * @returns e.g. NOUN, or "" where no rule applies.
   */
  posOf(label: number, text: string, white: boolean): string {
    let lower: string | undefined;
    for (const rule of this.#rules[label]!) {
      if (rule.space !== null && rule.space !== white) continue;
      if (rule.lower !== null && !rule.lower.includes((lower ??= text.toLowerCase()))) continue;
      return rule.pos;
    }
    return "";
  }
}
