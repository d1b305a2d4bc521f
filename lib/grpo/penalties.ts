/** What is taken from the score of a decision, whatever it led to: for a broken form, or for a response that is too long. */
import type { Turn } from "./types.js";

/** What a penalty may depend on. */
type Punished = Pick<Turn, "formatValid" | "admissible" | "truncated" | "responseIds">;

/** How much a turn's score is lowered, at least 0. It stays in the turn's own row: earlier rows do not pay for it. */
export type Penalty = (turn: Punished) => number;

export const noPenalty: Penalty = () => 0;
