/** The prompted baseline of the whole shop: one action at a time, with a thought before it (ReAct) or without. */
import { InputError, type Random } from "../../base/index.js";
import type { Environment } from "../../simulator/index.js";
import { Episode } from "../episode.js";
import {
  ACT_VERL_AGENT,
  actContext,
  type ActOptions,
  type ActStep,
  fittingActPrompt,
  pageText,
} from "../multi-turn.js";
import { ACT_PROMPT_VERSION, parseAction } from "../prompts/index.js";
import type { Agent, Trajectory } from "../types.js";
import type { Completer } from "./completer.js";
import { type Exemplars, NO_EXEMPLARS, withExemplars } from "./exemplars.js";
import { counted } from "./prompted.js";

export interface MultiTurnOptions {
  /** What a prompt tells and asks for. Default `ACT_VERL_AGENT`: two past steps with their pages, and a thought. */
  readonly form?: ActOptions;
  /** Default 15, the limit of most published WebShop agents. */
  readonly maxSteps?: number;
  /** Default 0.7. */
  readonly temperature?: number;
  /** Of one answer. Default 256 with a thought, else 48. */
  readonly maxTokens?: number;
  /** Worked examples; none by default. */
  readonly exemplars?: Exemplars;
}

/**
 * An agent that asks `completer` for every action (Yao et al. 2023, "ReAct", with the prompt of verl-agent). What it writes
 * is taken as `parseAction` reads it; an impossible action costs a step and leaves the page as it was.
 */
export function multiTurnAgent(
  name: string,
  completer: Completer,
  options: MultiTurnOptions = {},
  model?: Agent["model"],
): Agent {
  const { form = ACT_VERL_AGENT, maxSteps = 15, temperature = 0.7, exemplars = NO_EXEMPLARS } = options;
  const { maxTokens = form.thought ? 256 : 48 } = options;
  const settings = {
    ...completer.settings,
    temperature,
    maxTokens,
    prompts: `act ${ACT_PROMPT_VERSION}`,
    exemplars: {
      act: exemplars.act.length / 2,
      ...(exemplars.goals.length > 0 ? { trainGoals: exemplars.goals } : {}),
    },
    protocol: "multi-turn",
    form,
    maxSteps,
  };
  const play = async (
    { fits, complete }: Completer,
    environment: Environment,
    goal: number,
    random: Random,
  ): Promise<Trajectory> => {
    const episode = new Episode(environment, goal);
    const steps: ActStep[] = [];
    if (fits && exemplars.act.length > 0 && !fits(exemplars.act, maxTokens)) {
      throw new InputError(
        `${exemplars.act.length / 2} steps of worked examples do not fit into the model: show fewer, or use a model with more room.`,
      );
    }
    while (!episode.done && episode.length < maxSteps) {
      const context = actContext(environment, episode.state, steps, form);
      const prompt = fittingActPrompt(context, (messages) =>
        fits ? fits(withExemplars(messages, exemplars.act), maxTokens) : true,
      );
      const messages = withExemplars(prompt, exemplars.act);
      const { text } = await complete(messages, { temperature, maxTokens, random });
      const { action } = parseAction(text, form.thought);
      steps.push({ page: pageText(environment, episode.state), action });
      episode.act(action);
    }
    return episode.trajectory(name);
  };
  const agentOf = (by: Completer): Agent => ({
    name,
    settings,
    ...(model ? { model } : {}),
    play: (environment, goal, random) => play(by, environment, goal, random),
  });
  return counted(agentOf(completer), completer, agentOf);
}
