/** The statistics behind every interval and comparison: one idea a file, each with its source. */
export * from "./bootstrap.js";
export * from "./bootstrap-two-level.js";
export * from "./curve-band.js";
export * from "./effect-size.js";
export * from "./holm.js";
export * from "./interval.js";
export * from "./iqm.js";
export * from "./mean.js";
export * from "./permutation.js";
export * from "./probability-of-improvement.js";
export * from "./quantile.js";
