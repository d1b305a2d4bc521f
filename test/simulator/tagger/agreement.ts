/** Compares our tagger with what spaCy itself said of the same titles. */
import assert from "node:assert/strict";
import type { SpacyTagger } from "../../../lib/simulator/tagger/index.js";

/** One line of `spacy_answers.py`. */
export interface SpacyAnswer {
  readonly title: string;
  readonly tokens: readonly string[];
  readonly norms: readonly string[];
  readonly tags: readonly string[];
  readonly nouns: readonly string[];
}

/** Reads the script's output. */
export function answersIn(text: string): SpacyAnswer[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as SpacyAnswer);
}

/** Titles on which we agree. */
export interface Agreement {
  readonly titles: number;
  readonly tokens: number;
  readonly tags: number;
  readonly nouns: number;
}

/** Counts the titles whose tokens (with their norms), fine tags and nouns are all spaCy's. */
export function agreement(tagger: SpacyTagger, answers: readonly SpacyAnswer[]): Agreement {
  const same = (one: readonly string[], two: readonly string[]): boolean =>
    one.length === two.length && one.every((text, i) => text === two[i]);
  let [tokens, tags, nouns] = [0, 0, 0];
  for (const answer of answers) {
    const own = tagger.tagged(answer.title);
    const sameTokens =
      same(
        own.map((token) => token.text),
        answer.tokens,
      ) &&
      same(
        own.map((token) => token.norm),
        answer.norms,
      );
    if (sameTokens) tokens++;
    if (
      sameTokens &&
      same(
        own.map((token) => token.tag),
        answer.tags,
      )
    )
      tags++;
    if (same(tagger.nouns(answer.title), answer.nouns)) nouns++;
  }
  return { titles: answers.length, tokens, tags, nouns };
}

/** The counts of several lists as those of one. */
export function together(all: readonly Agreement[]): Agreement {
  const sum = (name: keyof Agreement): number => all.reduce((total, one) => total + one[name], 0);
  return { titles: sum("titles"), tokens: sum("tokens"), tags: sum("tags"), nouns: sum("nouns") };
}

/** What must hold: every token and all but one in a thousand titles' tags are spaCy's, and the nouns of 99.5 %. */
export function assertAgreement(found: Agreement): void {
  const { titles, tokens, tags, nouns } = found;
  const said = JSON.stringify(found);
  assert.equal(tokens, titles, said);
  assert(tags >= 0.999 * titles, said);
  assert(nouns >= 0.995 * titles, said);
}
