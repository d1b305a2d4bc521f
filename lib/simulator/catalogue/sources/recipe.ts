import { cleanProduct } from "../../product.js";
import { recipeId, recipeProducts, type RecipeOptions } from "../../recipe/index.js";
import type { CatalogueSource, GoalKind } from "../source.js";

/** How the name of an embedded shop begins, of whatever size. */
export const EMBEDDED = "the embedded shop";

/** The embedded shop as a catalogue's source. */
export function recipeSource(options: RecipeOptions, goals: GoalKind = "human"): CatalogueSource {
  let made = 0;
  return {
    name: `${EMBEDDED}, ${options.products} products, seed ${options.seed ?? 0}, recipe ${recipeId(options)}`,
    goals,
    done: () => (options.products === 0 ? 1 : made / options.products),
    *records() {
      for (const { raw, attributes, synthetic, instructions } of recipeProducts(options)) {
        made++;
        yield { product: cleanProduct(raw, attributes), human: instructions, synthetic };
      }
    },
  };
}
