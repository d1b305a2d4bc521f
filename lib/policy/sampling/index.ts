/** Drawing tokens from a model. */
export { draw, type Drawn, type DrawOptions } from "./draw.js";
export { gathered, type Sampler } from "./gathered.js";
export * from "./trie.js";
export * from "./types.js";
