/** One visual language for every chart. */
export * from "./agents.js";
export * from "./labels.js";
export * from "./textWidth.js";
export * from "./theme.js";
