/** Learning from the shop's reward: groups of trajectories in, a weight for every sampled token out. */
export * from "./advantages/index.js";
export * from "./config.js";
export * from "./critic.js";
export * from "./diagnostics.js";
export * from "./metrics.js";
export * from "./presets.js";
export * from "./types.js";
export * from "./update.js";
export * from "./value-head.js";
export * from "./warnings.js";
