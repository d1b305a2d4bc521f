/** Pages as both protocols take them: their text, what may be done on them, and the mending of what may not. */
import { similarityRatio } from "../../grpo/index.js";
import type { Environment, SessionState } from "../../simulator/index.js";
import { clickAction } from "../episode.js";

/** The possible actions on a page, as they must be written; a search stands as `search[<your query>]`. */
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
