/** Run records: written whole, checked on reading, found by query. */
export * from "./folder.js";
export * from "./journal.js";
export * from "./key.js";
export * from "./provenance.js";
export * from "./query-text.js";
export * from "./query.js";
export * from "./schema.js";
export * from "./store.js";
export * from "./summary.js";
