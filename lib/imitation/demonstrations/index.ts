/** What teachers did, as prompts and answers with their provenance. */
export * from "./act.js";
export * from "./file.js";
export * from "./queries.js";
export * from "./straight.js";
export * from "./teachers.js";
export * from "./types.js";
export * from "./webshop.js";
