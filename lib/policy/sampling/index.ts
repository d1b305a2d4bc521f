/** Drawing tokens from a model. */
export { draw, type Drawn, type DrawOptions } from "./draw.js";
export { batching, type Sampler } from "./batching.js";
export * from "./trie.js";
export * from "./types.js";
