/** One estimator a file: from a finished group's returns to advantages. */
export * from "./gae.js";
export * from "./gigpo.js";
export * from "./group-relative.js";
export * from "./reinforce-plus-plus.js";
export * from "./rloo.js";
export * from "./similarity.js";
export * from "./statistics.js";
