/** The ways of acting in the shop. */
export * from "./options.js";
export * from "./prompted/index.js";
export * from "./prompts/index.js";
export * from "./two-decision.js";
export * from "./types.js";
