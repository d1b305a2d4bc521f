/** One visual language for every chart. */
export * from "./agents.js";
export * from "./labels.js";
export * from "./text-width.js";
export * from "./theme.js";
