/**
 * What a multi-turn shopper is shown at each step: the task, what was done so far, the page and what can be done on it.
 * Demonstrations, roll-outs and evaluation all build their prompts here, so a model is asked as it was taught.
 */
import { InputError } from "../base/index.js";
import { similarityRatio } from "../grpo/index.js";
import type { Environment, SessionState } from "../simulator/index.js";
import { clickAction } from "./episode.js";
import { type ActContext, actPrompt, type Message } from "./prompts/index.js";

/** How much of the past a prompt tells, and what it asks for. */
export interface ActOptions {
  /** Past steps in a prompt, at most. */
  readonly history: number;
  /** Show what was seen at those steps (verl-agent), or only what was done. */
  readonly observations: boolean;
  /** Ask for a thought before the action. */
  readonly thought: boolean;
}

/** What the embedded model is taught: many past actions in few tokens. */
export const ACT_DEFAULTS: ActOptions = { history: 6, observations: false, thought: false };

/** verl-agent's prompt: the last two steps with what was seen, and a thought (docs/multi-turn.md). */
export const ACT_VERL_AGENT: ActOptions = { history: 2, observations: true, thought: true };

/** verl-agent leaves the history out of a prompt longer than this many characters. */
const MOST_CHARACTERS = 13000;

/** What may be done on a page, as it must be written; a search stands as `search[<your query>]`. */
export function admissibleActions(environment: Environment, state: SessionState): string[] {
  const { search, click } = environment.actions(state);
  const clicks = click.filter((text) => text !== "search").map((text) => clickAction(text));
  return search ? ["search[<your query>]", ...clicks] : clicks;
}

/** Whether an action is among those: the right form of search with something to search for, or a text that can be clicked. */
export function isAdmissible(environment: Environment, state: SessionState, action: string): boolean {
  const match = /^(search|click)\[(.*)\]$/s.exec(action);
  if (match === null) return false;
  return match[1] === "search"
    ? environment.actions(state).search && match[2]!.trim() !== ""
    : admissibleActions(environment, state).includes(action);
}

/**
 * The click on the page that is most like one that is not, if they are at least `similarity` alike (of equals the first);
 * else the action as it was. A small model that means a product often gets a letter of its code wrong.
 */
export function repaired(
  environment: Environment,
  state: SessionState,
  action: string,
  similarity: number,
): string {
  const said = /^click\[(.*?)\]?$/s.exec(action)?.[1];
  if (said === undefined) return action;
  let [best, most] = [action, similarity];
  for (const text of environment.actions(state).click) {
    const ratio = text === "search" ? 0 : similarityRatio(said, text);
    if (ratio > most || (ratio === most && best === action)) [best, most] = [clickAction(text), ratio];
  }
  return best;
}

/** The text of the current page without the task, which every page repeats; one text a line. */
export function pageText(environment: Environment, state: SessionState): string {
  const instruction = state.instruction ?? environment.catalogue.goal(state.goal).instruction;
  return withoutInstruction(environment.observe(state, "text"), instruction);
}

function withoutInstruction(observation: string, instruction: string): string {
  const head = `Instruction: [SEP] ${instruction.trim()} [SEP] `;
  return observation.replace(head, () => "").replaceAll(" [SEP] ", "\n");
}

/** A step that was taken, as later prompts tell it. */
export interface ActStep {
  /** `pageText` of the page on which it was taken. */
  readonly page: string;
  readonly action: string;
}

/** What a shopper knows in a state after some steps. */
export function actContext(
  environment: Environment,
  state: SessionState,
  steps: readonly ActStep[],
  options: ActOptions,
): ActContext {
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
export function fittingActPrompt(
  context: ActContext,
  fits: (messages: readonly Message[]) => boolean = () => true,
): readonly Message[] {
  const room = (messages: readonly Message[]): boolean =>
    messages[0]!.content.length <= MOST_CHARACTERS && fits(messages);
  for (let k = context.history.length; k >= 0; k--) {
    const messages = actPrompt({ ...context, history: context.history.slice(context.history.length - k) });
    if (room(messages)) return messages;
  }
  const cut = (length: number): readonly Message[] =>
    actPrompt({ ...context, history: [], observation: `${context.observation.slice(0, length)} …` });
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
