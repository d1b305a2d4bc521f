/** The ways of acting in the shop. */
export * from "./types.js";
export { contentWords, keywords } from "./wording.js";
export * from "./episode.js";
export * from "./heuristics.js";
export * from "./match.js";
export * from "./multi-turn-agent.js";
export * from "./options.js";
export * from "./oracle.js";
export * from "./page-reader.js";
export * from "./prompted/index.js";
export * from "./prompts/index.js";
export * from "./protocols/index.js";
export * from "./random.js";
export * from "./registry.js";
export * from "./rollouts/index.js";
export * from "./rule.js";
