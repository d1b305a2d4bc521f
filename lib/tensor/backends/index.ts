/** Where tensors live and who multiplies them: five backends behind one call. */
export * from "./probe.js";
export * from "./select.js";
export * from "./use.js";
