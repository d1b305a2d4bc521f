/** The policy: sampling from a language model, scoring rows with it and updating it, in one thread or several. */
export * from "./checkpoint.js";
export * from "./host-weights.js";
export type { Inspection } from "./inspect.js";
export * from "./optimizer.js";
export * from "./policy.js";
export * from "./rows.js";
export * from "./schedule.js";
export * from "./sampling/index.js";
export type { Trainee } from "./trainee.js";
export * from "./trainer.js";
export type { CompletionScores, ScoreOptions, Scores, Slopes } from "./scores.js";
