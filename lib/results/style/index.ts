/** One visual language for every chart. */
export * from "./labels.js";
export { publishedColour } from "./palette.js";
export * from "./text-width.js";
export * from "./theme.js";
