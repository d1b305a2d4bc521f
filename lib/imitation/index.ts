/** Imitation: demonstrations, the supervised loss, and the training loop that learns from them. */
export { aloudRow } from "./aloud.js";
export * from "./config.js";
export * from "./demonstrations/index.js";
export * from "./price-exercises.js";
export * from "./exemplars.js";
export { demonstrationRow, demonstrationsFor, openImitation } from "./imitate.js";
export * from "./measure.js";
export { rewardOfMatched } from "./reward-of-purchase.js";
export { type OpenOptions, trainerOptions } from "./run-options.js";
export * from "./steps.js";
export * from "./supervised.js";
export * from "./verdicts.js";
