/** The prompted baseline: a language model that was told, not taught. */
import { parseQuery, parseSelection, PROMPT_VERSION, queryPrompt, selectPrompt } from "../prompts/index.js";
import type { OptionMode } from "../options.js";
import { type TwoDecisions, twoDecisionAgent } from "../two-decision.js";
import type { Agent } from "../types.js";
import { type Completer, counting } from "./completer.js";
import { type Exemplars, NO_EXEMPLARS, withExemplars } from "./exemplars.js";

export interface PromptedOptions {
  /** What the settings call a local model; its folder by default. A family of checkpoints shares a name. */
  readonly modelName?: string;
  readonly options?: OptionMode;
  /** Another model for the choice; the same one by default. */
  readonly select?: Completer;
  /** Default 0.7, the thesis's. */
  readonly temperature?: number;
  /** Default 32, the thesis's. */
  readonly maxTokens?: number;
  /** Worked examples; none by default. */
  readonly exemplars?: Exemplars;
}

/** An agent that asks `completer` for both decisions of the thesis's protocol. */
export function promptedAgent(
  name: string,
  completer: Completer,
  options: PromptedOptions = {},
  model?: Agent["model"],
): Agent {
  const { temperature = 0.7, maxTokens = 32, exemplars = NO_EXEMPLARS } = options;
  const { goals, query, select } = exemplars;
  const settings = {
    ...completer.settings,
    ...(options.select ? { select: options.select.settings } : {}),
    temperature,
    maxTokens,
    prompts: PROMPT_VERSION,
    exemplars: {
      query: query.length / 2,
      select: select.length / 2,
      ...(goals.length > 0 ? { trainGoals: goals } : {}),
    },
  };
  const sampling = { temperature, maxTokens };
  const decisionsOf = ({ complete }: Completer): TwoDecisions => ({
    query: async (instruction, random) => {
      const messages = withExemplars(queryPrompt(instruction), query);
      return parseQuery((await complete(messages, { ...sampling, random })).text);
    },
    select: async (instruction, typed, listed, random) => {
      const messages = withExemplars(selectPrompt(instruction, typed, listed), select);
      const { complete: asked } = options.select ?? { complete };
      return parseSelection((await asked(messages, { ...sampling, random })).text, listed.length);
    },
  });
  const agent = twoDecisionAgent(
    { name, settings, ...(model ? { model } : {}) },
    decisionsOf(completer),
    options.options,
  );
  return counted(agent, completer, (counter) =>
    twoDecisionAgent(agent, decisionsOf(counter), options.options),
  );
}

/** An agent of a completer as evaluation sees it: how many episodes at once, and what each of them took. */
export function counted(agent: Agent, completer: Completer, of: (completer: Completer) => Agent): Agent {
  return {
    ...agent,
    ...(completer.remote ? { remote: completer.remote } : {}),
    ...(completer.together ? { together: completer.together } : {}),
    play: completer.counted
      ? async (environment, goal, random) => {
          const counter = counting(completer);
          const trajectory = await of(counter.completer).play(environment, goal, random);
          return { ...trajectory, usage: counter.usage() };
        }
      : agent.play,
  };
}
