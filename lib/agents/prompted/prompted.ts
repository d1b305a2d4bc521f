/** The prompted baseline: a language model that was told, not taught. */
import {
  type Message,
  parseQuery,
  parseSelection,
  PROMPT_VERSION,
  queryPrompt,
  selectPrompt,
} from "../prompts/index.js";
import type { OptionMode } from "../options.js";
import { twoDecisionAgent } from "../two-decision.js";
import type { Agent } from "../types.js";
import type { Completer } from "./completer.js";

export interface PromptedOptions {
  /** What the settings call a local model; its folder by default. A family of checkpoints shares a name. */
  readonly modelName?: string;
  readonly options?: OptionMode;
  /** Default 0.7, the thesis's. */
  readonly temperature?: number;
  /** Default 32, the thesis's. */
  readonly maxTokens?: number;
  /** Worked examples put before each prompt, as earlier turns of the chat; none by default. */
  readonly exemplars?: { readonly query: readonly Message[]; readonly select: readonly Message[] };
}

/** An agent that asks `completer` for both decisions of the thesis's protocol. */
export function promptedAgent(
  name: string,
  completer: Completer,
  options: PromptedOptions = {},
  model?: Agent["model"],
): Agent {
  const { temperature = 0.7, maxTokens = 32, exemplars = { query: [], select: [] } } = options;
  const settings = {
    ...completer.settings,
    temperature,
    maxTokens,
    prompts: PROMPT_VERSION,
    exemplars: { query: exemplars.query.length / 2, select: exemplars.select.length / 2 },
  };
  return twoDecisionAgent(
    { name, settings, ...(model ? { model } : {}) },
    {
      query: async (instruction, random) => {
        const messages = withExemplars(queryPrompt(instruction), exemplars.query);
        return parseQuery((await completer.complete(messages, { temperature, maxTokens, random })).text);
      },
      select: async (instruction, query, listed, random) => {
        const messages = withExemplars(selectPrompt(instruction, query, listed), exemplars.select);
        const answer = await completer.complete(messages, { temperature, maxTokens, random });
        return parseSelection(answer.text, listed.length);
      },
    },
    options.options,
  );
}

/** Exemplars stand between the system message and the question. */
function withExemplars(prompt: readonly Message[], exemplars: readonly Message[]): readonly Message[] {
  const question = prompt.findIndex((message) => message.role === "user");
  return [...prompt.slice(0, question), ...exemplars, ...prompt.slice(question)];
}
