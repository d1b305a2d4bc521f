/** The operations the transformer is made of, fused where a backend allows it, each with its gradient. */
export * from "./attention.js";
export { embed } from "./embed.js";
export * from "./layout.js";
export * from "./matmul.js";
export * from "./norm.js";
export * from "./rotary.js";
export * from "./swiglu.js";
export * from "./token-log-probs.js";
