/** Learning from the shop's reward: groups of trajectories in, a weight for every sampled token out. */
export * from "./advantages/index.js";
export * from "./objective/index.js";
export * from "./types.js";
