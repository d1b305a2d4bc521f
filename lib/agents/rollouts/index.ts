/** Many episodes at once with our own policy: what training learns from and evaluation counts. */
export * from "./two-decision.js";
