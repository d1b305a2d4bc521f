/** What every room shares: errors with an exit code, whole-file writes, seeded randomness. */
export * from "./errors.js";
export * from "./files.js";
export * from "./random.js";
