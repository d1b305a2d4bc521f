/** A training run while it runs: the same curves in a notebook and in a terminal. */
export * from "./chart.js";
export * from "./curves.js";
export * from "./live.js";
export * from "./text.js";
