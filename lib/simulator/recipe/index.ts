/** The embedded shop: products and requests made from a seed and the word lists in `data/recipe`. */
export { DEFAULT_RECIPE, RECIPE_VERSIONS, type RecipeVersion } from "./habits.js";
export * from "./shop.js";
