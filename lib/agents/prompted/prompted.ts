/** The prompted baseline: a language model that was not trained for the shop. */
import { InputError, type Random } from "../../base/index.js";
import { type Exemplars, NO_EXEMPLARS, PROMPT_VERSION } from "../prompts/index.js";
import type { OptionMode } from "../options.js";
import { type ChoiceRules, TwoDecisionPlay, type TwoDecisionQuestion } from "../protocols/two-decision.js";
import type { Agent, Decision, Usage } from "../types.js";
import type { Completer } from "./completer.js";
import { playAnswered } from "./failed.js";

export interface PromptedOptions extends ChoiceRules {
  /** The name of a local model in the settings; its folder by default. A family of checkpoints shares a name. */
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
  const { temperature = 0.7, maxTokens = 32, exemplars = NO_EXEMPLARS, options: mode = "match" } = options;
  const { goals, query, select } = exemplars;
  const { listing, reading } = options;
  const choice: ChoiceRules = { ...(listing ? { listing } : {}), ...(reading ? { reading } : {}) };
  if (reading === "aloud" && !(options.select ?? completer).readsAloud) {
    throw new InputError(
      `The agent "${name}" cannot read aloud: only models that run here can be given parts of an answer.`,
    );
  }
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
    protocol: "two-decision",
    options: mode,
    ...choice,
  };
  const decide = (
    { task, prompt, given }: TwoDecisionQuestion,
    random: Random,
  ): ReturnType<Completer["complete"]> => {
    const asked = task === "select" && options.select ? options.select : completer;
    return asked.complete(prompt, { temperature, maxTokens, random, ...(given ? { given } : {}) });
  };
  return {
    name,
    settings,
    ...(model ? { model } : {}),
    ...sideBySide(completer),
    play: async (environment, goal, random) => {
      const play = new TwoDecisionPlay(environment, goal, { options: mode, exemplars, ...choice });
      return withUsage(await playAnswered(name, play, (question) => decide(question, random)), completer);
    },
  };
}

/** The number of episodes that are played concurrently with a completer. */
export function sideBySide({ remote, together }: Completer): Pick<Agent, "remote" | "together"> {
  return { ...(remote ? { remote } : {}), ...(together ? { together } : {}) };
}

/** A trajectory with what its answers took, where a completer's answers are counted. */
export function withUsage<T extends { readonly decisions?: readonly Decision[] }>(
  trajectory: T,
  { counted }: Completer,
): T & { readonly usage?: Usage } {
  if (!counted) return trajectory;
  const { decisions = [] } = trajectory;
  const sum = (of: (decision: Decision) => number | undefined): number =>
    decisions.reduce((total, decision) => total + (of(decision) ?? 0), 0);
  const usage: Usage = {
    requests: decisions.length,
    promptTokens: sum(({ promptTokens }) => promptTokens),
    completionTokens: sum(({ completionTokens }) => completionTokens),
  };
  return { ...trajectory, usage };
}
