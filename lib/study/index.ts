/** The study: evaluation, run records, statistics, tables, figures, the thesis. Notebooks and verbs call this face. */
export * from "./data.js";
export * from "./evaluate.js";
export * from "./figures/index.js";
export * from "./mainResults.js";
export * from "./makeTables.js";
export * from "./published.js";
export * from "./records/index.js";
export * from "./stats/index.js";
export * from "./style/index.js";
export * from "./summary.js";
export * from "./tables/index.js";
export * from "./tools.js";
