/** The ways of acting in the shop. */
export * from "./types.js";
