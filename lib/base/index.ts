/** What every room shares: errors with an exit code, whole-file writes, seeded randomness, worker threads. */
export * from "./errors.js";
export * from "./files.js";
export * from "./random.js";
export * from "./workers.js";
