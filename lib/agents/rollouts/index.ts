/** Many episodes at once with our own policy: what training learns from and evaluation counts. */
export * from "./branching.js";
export * from "./multi-turn.js";
export * from "./two-decision.js";
