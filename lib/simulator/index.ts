/** The simulator: products in, pages and rewards out. It knows nothing of models. */
export * from "./types.js";
export * from "./product.js";
export * from "./prices.js";
export * from "./goals.js";
export * from "./split.js";
export * from "./python-random.js";
export * from "./recipe/index.js";
