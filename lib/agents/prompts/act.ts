/** The multi-turn decision: instruction, recent history, the page and its admissible actions in, an action out. */
import type { Message } from "./message.js";

/** What the shopper knows at one step. */
export interface ActContext {
  readonly instruction: string;
  /** Number of steps taken before this one. */
  readonly stepsTaken: number;
  /** The last k observations and the actions that answered them, oldest first. */
  readonly history: readonly { readonly observation: string; readonly action: string }[];
  readonly observation: string;
  /** Actions as they must be written, e.g. `click[buy now]`; a search stands as `search[<your query>]`. */
  readonly admissible: readonly string[];
  /** Ask for a thought before the action. */
  readonly thought: boolean;
}

/** The prompt of one step: a single user message, rebuilt at every step. */
export function actPrompt(context: ActContext): readonly Message[] {
  const { instruction, stepsTaken, history, observation, admissible, thought } = context;
  const parts = ["You are shopping in an online shop.", `Your task: ${instruction}`];
  if (history.length > 0) {
    const first = stepsTaken - history.length + 1;
    parts.push(
      `Steps taken: ${stepsTaken}. The last ${history.length}:`,
      ...history.map(
        (step, i) => `Observation ${first + i}: '${step.observation}'\nAction ${first + i}: '${step.action}'`,
      ),
    );
  }
  parts.push(
    `Observation ${stepsTaken + 1}: '${observation}'`,
    `Possible actions:\n${admissible.map((action) => `'${action}'`).join("\n")}`,
    thought
      ? "Think first, inside <think></think>. Then write one possible action inside <action></action>."
      : "Write one possible action inside <action></action>.",
  );
  return [{ role: "user", content: parts.join("\n") }];
}

/** An action as it was found in a model's answer. */
export interface ParsedAction {
  /** Lower-case, as the shop takes it; the answer's last 20 characters when no tags were found (verl-agent's rule). */
  readonly action: string;
  /** The answer had the form that was asked for. */
  readonly formatValid: boolean;
}

/** The text between the first `<action>` and the first `</action>` after it. */
export function parseAction(answer: string, thought: boolean): ParsedAction {
  const lower = answer.toLowerCase();
  const start = lower.indexOf("<action>");
  const end = start < 0 ? -1 : lower.indexOf("</action>", start);
  if (end < 0) return { action: lower.slice(-20), formatValid: false };
  const thoughtThere = lower.includes("<think>") && lower.includes("</think>");
  return {
    action: lower.slice(start + "<action>".length, end).trim(),
    formatValid: !thought || thoughtThere,
  };
}
