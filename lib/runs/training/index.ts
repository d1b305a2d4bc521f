/** Training runs: configuration in, checkpoints, metrics and a model out. */
export * from "./check.js";
export * from "./clock.js";
export * from "./grpo-config.js";
export * from "./grpo-run.js";
export * from "./loaded-plugins.js";
export * from "./loop.js";
export * from "./memory.js";
export * from "./origin.js";
export * from "./record-run.js";
export * from "./run-folder.js";
