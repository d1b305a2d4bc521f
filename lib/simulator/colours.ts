/** WebShop's colour words in its order: the first that matches wins (docs/webshop.md §6.3). */
export const COLOURS: readonly string[] = (
  "alabaster apricot aqua ash asphalt azure banana beige black blue blush bordeaux bronze brown burgundy camel camo " +
  "caramel champagne charcoal cheetah chestnut chocolate christmas coffee cognac copper coral cranberry cream " +
  "crystal dark denim eggplant elephant espresso fuchsia gold granite grape graphite grass gray green grey heather " +
  "indigo ivory ivy khaki lavender lemon leopard light lilac lime magenta maroon mauve merlot midnight mint mocha " +
  "multicolor mushroom mustard natural navy nude olive orange peach pewter pink plum purple rainbow red rose royal " +
  "rust sand sapphire seashell silver skull slate steel stone stonewash sunflower tan taupe teal tiger turquoise " +
  "violet walnut wheat white wine yellow"
).split(" ");

/** The first colour whose letters occur in a text, or the text itself: "navy blue" → "blue", "standard" → "tan". */
export function normaliseColour(text: string): string {
  return COLOURS.find((colour) => text.includes(colour)) ?? text;
}

/**
 * The same for a list of texts, as Python's `in` has it: the first colour that EQUALS one of them, or undefined. So a
 * list of values that holds a bare colour word collapses to it.
 */
export function colourAmong(texts: readonly string[]): string | undefined {
  return COLOURS.find((colour) => texts.includes(colour));
}
