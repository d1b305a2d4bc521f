/** Five tensor backends behind one call. */
export * from "./probe.js";
export * from "./select.js";
export * from "./use.js";
