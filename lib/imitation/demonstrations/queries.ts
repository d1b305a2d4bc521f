/** The queries that teachers type. */
import { contentWords, keywords } from "../../agents/index.js";
import type { Random } from "../../base/index.js";
import type { Goal } from "../../simulator/index.js";

/** A plain query: the instruction's own words that say something, in order. */
export function plainQuery(goal: Goal): string {
  return keywords(goal.instruction).join(" ");
}

/**
 * A careful query: the instruction's own words that say something, then the shop's word for what was said: attributes that the
 * instruction speaks of as the shop spells them, and the phrase under which such products are listed. What the instruction keeps
 * to itself is left out: a model could not learn to write it.
 */
export function carefulQuery(goal: Goal): string {
  const words = keywords(goal.instruction);
  const stems = new Set(contentWords(words.join(" ")));
  const said = goal.attributes.filter((name) => {
    const own = contentWords(name);
    return own.length > 0 && own.filter((stem) => stems.has(stem)).length * 2 >= own.length;
  });
  for (const phrase of [...said, goal.query]) {
    for (const word of keywords(phrase)) {
      const [stem] = contentWords(word);
      if (stem === undefined || stems.has(stem)) continue;
      stems.add(stem);
      words.push(word);
    }
  }
  return words.join(" ");
}

/** A careless query: the shop's phrase for the kind of thing, or some of the instruction's words. */
export function carelessQuery(goal: Goal, random: Random): string {
  const words = keywords(goal.instruction);
  if (goal.query !== "" && random.next() < 0.3) return goal.query;
  const kept = words.filter(() => random.next() < 0.6);
  return (kept.length > 0 ? kept : words).join(" ");
}
