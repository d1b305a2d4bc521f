/** The teachers' decisions, as prompts and answers with their provenance. */
export * from "./direct-episode.js";
export * from "./file.js";
export * from "./multi-turn.js";
export * from "./queries.js";
export * from "./teachers.js";
export * from "./types.js";
export * from "./webshop.js";
