/** The language model: files, backends, transformer, sampling, scoring and updating. */
export * from "./files/index.js";
export * from "./backends/index.js";
export * from "./ops/index.js";
export * from "./checkpoint.js";
export * from "./host-weights.js";
export type { Inspection } from "./inspect.js";
export * from "./lora.js";
export * from "./onnx/index.js";
export * from "./optimizer.js";
export * from "./policy.js";
export * from "./rows.js";
export * from "./schedule.js";
export * from "./sampling/index.js";
export * from "./trainer.js";
export type { CompletionScores, ScoreOptions, Scores, Slopes } from "./scores.js";
