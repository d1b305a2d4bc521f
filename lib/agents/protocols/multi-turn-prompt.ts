/**
 * The prompt of a shopper of the multi-turn protocol at each step: the task, what was done so far, the page and what can be done
 * on it. Every question of the protocol is built here, so a model is asked as it was taught.
 */
import { InputError } from "../../base/index.js";
import type { Environment, SessionState } from "../../simulator/index.js";
import { type Message, type MultiTurnContext, multiTurnPrompt } from "../prompts/index.js";
import { admissibleActions, pageText } from "./pages.js";

/** How much of the past a prompt tells, and what it asks for. */
export interface MultiTurnForm {
  /** Past steps in a prompt, at most. */
  readonly history: number;
  /** Show what was seen at those steps (verl-agent), or only what was done. */
  readonly observations: boolean;
  /** Ask for a thought before the action. */
  readonly thought: boolean;
}

/** The form that the embedded model learns: many past actions in few tokens. */
export const PLAIN_FORM: MultiTurnForm = { history: 6, observations: false, thought: false };

/** verl-agent's prompt: the last two steps with what was seen, and a thought (docs/multi-turn.md). */
export const VERL_AGENT_FORM: MultiTurnForm = { history: 2, observations: true, thought: true };

/** verl-agent leaves the history out of a prompt longer than this many characters. */
const MOST_CHARACTERS = 13000;

/** A step that was taken, as later prompts tell it. */
export interface TakenStep {
  /** `pageText` of the page on which it was taken. */
  readonly page: string;
  readonly action: string;
}

/** A shopper's knowledge in a state after some steps. */
export function multiTurnContext(
  environment: Environment,
  state: SessionState,
  steps: readonly TakenStep[],
  options: MultiTurnForm,
): MultiTurnContext {
  const past = options.history > 0 ? steps.slice(-options.history) : [];
  return {
    instruction: state.instruction ?? environment.catalogue.goal(state.goal).instruction,
    stepsTaken: steps.length,
    history: past.map(({ page, action }) => ({ observation: options.observations ? page : null, action })),
    observation: pageText(environment, state),
    admissible: admissibleActions(environment, state),
    thought: options.thought,
  };
}

/**
 * The prompt of a context. Where it would not fit it tells less: a shorter history first, then a page cut at its end.
 * @param fits whether a model has room for the prompt; by default all of up to 13,000 characters
 * @throws InputError when not even the task and the possible actions fit
 */
export function fittingPrompt(
  context: MultiTurnContext,
  fits: (messages: readonly Message[]) => boolean = () => true,
): readonly Message[] {
  const room = (messages: readonly Message[]): boolean =>
    messages[0]!.content.length <= MOST_CHARACTERS && fits(messages);
  for (let k = context.history.length; k >= 0; k--) {
    const messages = multiTurnPrompt({
      ...context,
      history: context.history.slice(context.history.length - k),
    });
    if (room(messages)) return messages;
  }
  const cut = (length: number): readonly Message[] =>
    multiTurnPrompt({ ...context, history: [], observation: `${context.observation.slice(0, length)} …` });
  if (!room(cut(0))) {
    throw new InputError(
      `A page with ${context.admissible.length} possible actions does not fit into the model's positions: use a model with more.`,
    );
  }
  let [least, most] = [0, context.observation.length];
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (room(cut(middle))) least = middle;
    else most = middle - 1;
  }
  return cut(least);
}
