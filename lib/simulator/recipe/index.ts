/** The embedded shop: products and requests made from a seed and the word lists in `data/recipe`. */
export * from "./shop.js";
