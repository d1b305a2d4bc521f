/** Helpers of every room: errors with an exit code, checked values, whole-file writes, downloads that go on, locks, seeded randomness, things by name, worker threads. */
export * from "./beside.js";
export * from "./checked.js";
export * from "./difflib.js";
export * from "./download.js";
export * from "./duration.js";
export * from "./errors.js";
export * from "./files.js";
export * from "./interrupt.js";
export * from "./lines.js";
export * from "./lock.js";
export * from "./quoted.js";
export * from "./random.js";
export * from "./seal.js";
export * from "./suggest.js";
export * from "./registry.js";
export * from "./whole-folder.js";
export * from "./workers.js";
