/** Worked examples put before a prompt, as earlier turns of the same chat. */
import type { Message } from "./message.js";

/** Questions and answers in turns, by decision; see `workedExamples` in `imitation`, which makes them of train goals. */
export interface Exemplars {
  /** The goals that they are about, for the run record. */
  readonly goals: readonly number[];
  readonly query: readonly Message[];
  readonly select: readonly Message[];
  readonly act: readonly Message[];
}

/** Nothing is shown: the default. */
export const NO_EXEMPLARS: Exemplars = { goals: [], query: [], select: [], act: [] };

/** Exemplars stand between the system message, where there is one, and the question. */
export function withExemplars(
  prompt: readonly Message[],
  exemplars: readonly Message[] = [],
): readonly Message[] {
  if (exemplars.length === 0) return prompt;
  const question = prompt.findIndex((message) => message.role === "user");
  return [...prompt.slice(0, question), ...exemplars, ...prompt.slice(question)];
}
