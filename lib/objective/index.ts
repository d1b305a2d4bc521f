/** Losses as plain data, and what they make of a policy's log-probabilities: a value, and a derivative for every token. */
export * from "./aggregate.js";
export * from "./clip.js";
export * from "./cross-entropy.js";
export * from "./kl.js";
export * from "./loss.js";
export * from "./policy-gradient.js";
export * from "./registry.js";
export * from "./sequence.js";
export * from "./settings.js";
