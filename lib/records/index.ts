/** Records: one envelope for every kind, written whole, sealed, checked on reading, found by query. */
export * from "./actions.js";
export * from "./add-actions.js";
export * from "./all.js";
export * from "./envelope.js";
export * from "./find.js";
export * from "./journal.js";
export { type EpisodeResult, resultColumns, usageColumns } from "./kinds/episode-rows.js";
export * from "./kinds/index.js";
export * from "./key.js";
export * from "./places.js";
export * from "./provenance.js";
export * from "./query-text.js";
export * from "./query.js";
export * from "./replay.js";
export * from "./summary.js";
