/** The simulator: products in, pages and rewards out. It knows nothing of models. */
export * from "./types.js";
