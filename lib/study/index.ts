/** The study: evaluation, run records, statistics, tables, figures, the thesis. Notebooks and verbs call this face. */
export * from "./comparisons.js";
export * from "./data.js";
export * from "./evaluate.js";
export * from "./facts.js";
export * from "./figures/index.js";
export * from "./mainResults.js";
export * from "./makeTables.js";
export * from "./makeThesis.js";
export * from "./published.js";
export * from "./records/index.js";
export * from "./stats/index.js";
export * from "./style/index.js";
export * from "./summary.js";
export * from "./tables/index.js";
export * from "./thesisText.js";
export * from "./tools.js";
export * from "./training/index.js";
