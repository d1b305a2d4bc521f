/** The multi-turn decision: instruction, recent history, the page and its admissible actions in, an action out. */
import type { Message } from "./message.js";
import { plainAnswer } from "./thinking.js";

/** Changes whenever this template changes by a byte. */
export const MULTI_TURN_PROMPT_VERSION = "3";

/** A step of the past, as a prompt tells it. */
export interface PastStep {
  /** The page that was seen, or null to tell only what was done. */
  readonly observation: string | null;
  readonly action: string;
}

/** The shopper's knowledge at one step. */
export interface MultiTurnContext {
  readonly instruction: string;
  /** Number of steps taken before this one. */
  readonly stepsTaken: number;
  /** The last k steps, oldest first. */
  readonly history: readonly PastStep[];
  readonly observation: string;
  /** Actions as they must be written, e.g. `click[buy now]`; a search stands as `search[<your query>]`. */
  readonly admissible: readonly string[];
  /** Ask for a thought before the action. */
  readonly thought: boolean;
}

/**
 * The prompt of one step: a single user message, rebuilt at every step. The page comes before the past, so that decisions
 * taken on the same page begin with the same tokens, which are computed once for all of them.
 */
export function multiTurnPrompt(context: MultiTurnContext): readonly Message[] {
  const { stepsTaken, history, thought } = context;
  const parts = [multiTurnPromptHead(context)];
  const first = stepsTaken - history.length + 1;
  parts.push(`Steps taken: ${stepsTaken}.${history.length > 0 ? ` The last ${history.length}:` : ""}`);
  history.forEach(({ observation: seen, action }, i) => {
    if (seen !== null) parts.push(`Observation ${first + i}:\n${seen}`);
    parts.push(`Action ${first + i}: ${action}`);
  });
  parts.push(
    thought
      ? "Think first, inside <think></think>. Then write one possible action inside <action></action>."
      : "Write one possible action inside <action></action>.",
  );
  return [{ role: "user", content: parts.join("\n") }];
}

/** How the prompt begins, whatever was done before: the task, the page and what can be done on it. */
export function multiTurnPromptHead({
  instruction,
  observation,
  admissible,
}: Pick<MultiTurnContext, "instruction" | "observation" | "admissible">): string {
  return [
    "You are shopping in an online shop.",
    `Your task: ${instruction}`,
    `Observation:\n${observation}`,
    `Possible actions:\n${admissible.join("\n")}`,
  ].join("\n");
}

/** An action as it was found in a model's answer. */
export interface ParsedAction {
  /** Lower-case, as the shop takes it; the answer's last 20 characters when no tags were found (verl-agent's rule). */
  readonly action: string;
  /** The answer had the form that was asked for. */
  readonly formatValid: boolean;
}

/** The text between the first `<action>` and the first `</action>` after it; of actions that were only thought of, none is meant. */
export function parseAction(answer: string, thought: boolean): ParsedAction {
  const lower = answer.toLowerCase();
  const said = plainAnswer(lower).text;
  const action = actionIn(said) ?? actionIn(lower);
  if (action === null) return { action: lower.slice(-20), formatValid: false };
  const thoughtThere = lower.includes("<think>") && lower.includes("</think>");
  return { action, formatValid: !thought || thoughtThere };
}

function actionIn(text: string): string | null {
  const start = text.indexOf("<action>");
  const end = start < 0 ? -1 : text.indexOf("</action>", start);
  return end < 0 ? null : text.slice(start + "<action>".length, end).trim();
}
