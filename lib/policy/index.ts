/** The language model: files, backends, transformer, sampling, scoring and updating. */
export * from "./files/index.js";
export * from "./backends/index.js";
export * from "./ops/index.js";
