/** The kinds of record: one file and one line each. */
import type { RecordKind } from "../envelope.js";
import { evaluationKind } from "./evaluation.js";
import { trainingKind } from "./training.js";

// Readers of any kind see only what all kinds have: each kind checks its own content.
type AnyKind = RecordKind<never, never>;

// prettier-ignore
const all: readonly unknown[] = [
  evaluationKind,
  trainingKind,
];

/** Every kind of record. */
export const recordKinds = all as readonly AnyKind[];

export * from "./evaluation.js";
export * from "./training.js";
