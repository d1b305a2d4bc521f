/** Every prompt, in one place, the same for every size of model; and how the answers are read. */
export * from "./aloud.js";
export * from "./exemplars.js";
export * from "./message.js";
export * from "./multi-turn.js";
export * from "./option.js";
export * from "./query.js";
export * from "./select.js";
export * from "./thinking.js";
