/**
 * Choosing a product's options without a model, for agents whose decisions end with the product (the thesis's
 * two-decision protocol leaves options open; docs/webshop.md says what its code does instead).
 */
import type { OptionGroup } from "../simulator/index.js";

/**
 * How options are chosen once a product is: the value that best matches the instruction, the first of each group,
 * or none at all; `choose` asks the model for each group. `all-lists` hands the reward every value of every group at once, as the thesis's code does: it
 * gives credit for any option that the product has, so its scores are inflated and never compared with the others.
 */
export const OPTION_MODES = ["match", "first", "none", "choose", "all-lists"] as const;

export type OptionMode = (typeof OPTION_MODES)[number];

/** The values to click by rule, in page order, at most one a group. `all-lists` clicks none (it changes the reward instead), nor does `choose`. */
export function chooseOptions(
  groups: readonly OptionGroup[],
  instruction: string,
  mode: OptionMode,
): string[] {
  if (mode === "none" || mode === "choose" || mode === "all-lists") return [];
  const chosen = groups.map((group) =>
    mode === "first" ? group.values[0] : bestMatch(group.values, instruction),
  );
  return chosen.filter((value): value is string => value !== undefined);
}

/**
 * The value with the largest fraction of its words in the instruction, then the most words, then the first;
 * undefined when no value shares a word with it.
 */
export function bestMatch(values: readonly string[], instruction: string): string | undefined {
  const asked = new Set(words(instruction));
  let best: string | undefined;
  let bestFraction = 0;
  let bestCount = 0;
  for (const value of values) {
    const own = words(value);
    const count = own.filter((word) => asked.has(word)).length;
    const fraction = own.length > 0 ? count / own.length : 0;
    if (fraction > bestFraction || (fraction === bestFraction && fraction > 0 && count > bestCount)) {
      [best, bestFraction, bestCount] = [value, fraction, count];
    }
  }
  return best;
}

function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}.]+/gu) ?? [];
}
