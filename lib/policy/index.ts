/** The policy: sampling from a language model, scoring sequences with it and updating it, in one thread or several. */
export { type Bundle, bundled, type Continuation, packedLength } from "./pack.js";
export * from "./checkpoint.js";
export * from "./host-weights.js";
export type { Inspection } from "./inspect.js";
export * from "./policy.js";
export * from "./sampling/index.js";
export type { Trainee } from "./trainee.js";
export * from "./trainer.js";
