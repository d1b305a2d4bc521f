/** The study: evaluation, run records, statistics, tables, figures, the thesis. Notebooks and verbs call this face. */
export * from "./evaluate.js";
export * from "./records/index.js";
export * from "./stats/index.js";
export * from "./summary.js";
