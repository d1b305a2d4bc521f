/** Sweeps: a grid of configurations × seeds on one machine or on many. */
export { serveRuns } from "./child.js";
export { holdFolder } from "../../base/index.js";
export * from "./plan.js";
export * from "./pool.js";
export { childVerb } from "./process.js";
export * from "./queue.js";
export type { RunProgress, SweepPlaces } from "./run.js";
