/** One estimator a file, called by its name: from finished groups to an advantage for every turn. */
export * from "./anchors.js";
export * from "./estimator.js";
export { generalisedAdvantages } from "./gae.js";
export { gigpo, type GigpoAdvantages, type GigpoOptions } from "./gigpo.js";
export * from "./registry.js";
export { discountedReturns, whiten, whitenRows } from "./reinforce-pp.js";
export * from "./similarity.js";
