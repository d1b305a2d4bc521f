/**
 * How an episode is played by a protocol. A play asks one question after another and takes the answers; who answers (an agent,
 * a batch of roll-outs, a teacher, a record) makes no difference here, so that prompts, repairs, limits and results mean the
 * same everywhere.
 */
import type { Message } from "../prompts/index.js";
import type { Decision, Trajectory } from "../types.js";

/** A question to the shopper at one point of an episode. */
export interface Question {
  /** Which decision of the protocol. */
  readonly task: Decision["task"];
  /** The page as text, without the instruction. */
  readonly page: string;
  /** The question as a language model gets it. */
  readonly prompt: readonly Message[];
  /**
   * Texts of the answer that are given, in order: a word of the model's own follows each, and what follows the last is as long as it
   * likes. The answer is then those words, as `aloudAnswer` writes them. Absent: the whole answer is the model's.
   */
  readonly given?: readonly string[];
}

/** An answer as a play takes it: the text, and what is known of how it came about. */
export interface Said extends Pick<Decision, "promptTokens" | "completionTokens" | "tokens"> {
  readonly text: string;
  /** It was cut off at the limit of its length. */
  readonly truncated?: boolean;
}

/** Whether a model has room for a prompt; a longer one is told less, where the protocol can do with less. */
export type Fits = (prompt: readonly Message[]) => boolean;

/** An episode that waits for its next decision. */
export interface Play<Asked extends Question> {
  /** The decision to take now; null when the episode is over. */
  ask(fits?: Fits): Asked | null;
  /**
   * Takes the answer to what was asked last, and every action that follows from it.
   * @returns the decision as it was read, and the reward of its last action
   * @throws RangeError when nothing was asked
   */
  answer(said: Said): { readonly decision: Decision; readonly reward: number };
  /** A copy of the episode that goes on independently. */
  fork(): Play<Asked>;
  /** The episode so far. */
  trajectory(agent: string): Trajectory;
}

/** Plays an episode to its end by a function that decides. */
export async function playOut<Asked extends Question>(
  play: Play<Asked>,
  decide: (question: Asked) => Said | Promise<Said>,
  fits?: Fits,
): Promise<void> {
  for (let question = play.ask(fits); question !== null; question = play.ask(fits)) {
    play.answer(await decide(question));
  }
}

/** The fields of a decision that come from the answer; unknown ones are left out. */
export function keptOf({ promptTokens, completionTokens, tokens }: Said): Partial<Decision> {
  return {
    ...(promptTokens === undefined ? {} : { promptTokens }),
    ...(completionTokens === undefined ? {} : { completionTokens }),
    ...(tokens === undefined ? {} : { tokens }),
  };
}
