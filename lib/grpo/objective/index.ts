/** From current log-probabilities to a loss and a weight for every token. */
export * from "./aggregate.js";
export * from "./config.js";
export * from "./kl.js";
export * from "./objective.js";
export * from "./ratio.js";
export * from "./surrogate.js";
