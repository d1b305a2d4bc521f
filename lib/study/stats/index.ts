/** The statistics behind every interval and comparison: one idea a file, each with its source. */
export * from "./bootstrap.js";
export * from "./bootstrapTwoLevel.js";
export * from "./curveBand.js";
export * from "./effectSize.js";
export * from "./holm.js";
export * from "./interval.js";
export * from "./iqm.js";
export * from "./mean.js";
export * from "./permutation.js";
export * from "./probabilityOfImprovement.js";
export * from "./quantile.js";
