/** Where tensors live and who multiplies them: five backends behind one call. */
export * from "./use.js";
