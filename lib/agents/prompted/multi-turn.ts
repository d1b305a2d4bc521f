/** The prompted baseline of the whole shop: one action at a time, with a thought before it (ReAct) or without. */
import { InputError } from "../../base/index.js";
import { type Exemplars, MULTI_TURN_PROMPT_VERSION, NO_EXEMPLARS } from "../prompts/index.js";
import { MultiTurnPlay } from "../protocols/multi-turn.js";
import { type MultiTurnForm, VERL_AGENT_FORM } from "../protocols/multi-turn-prompt.js";
import type { Agent } from "../types.js";
import type { Completer } from "./completer.js";
import { playAnswered } from "./failed.js";
import { sideBySide, withUsage } from "./prompted.js";

export interface MultiTurnOptions {
  /** The content of a prompt and the form of its answer. Default `VERL_AGENT_FORM`: two past steps with their pages, and a thought. */
  readonly form?: MultiTurnForm;
  /** Default 15, the limit of most published WebShop agents. */
  readonly maxSteps?: number;
  /** Default 0.7. */
  readonly temperature?: number;
  /** Of one answer. Default 256 with a thought, else 48. */
  readonly maxTokens?: number;
  /** Worked examples; none by default. */
  readonly exemplars?: Exemplars;
  /** As {@link MultiTurnPlay} has it. Default: never. */
  readonly repair?: number;
}

/** An agent that asks `completer` for every action (Yao et al. 2023, "ReAct", with the prompt of verl-agent). */
export function multiTurnAgent(
  name: string,
  completer: Completer,
  options: MultiTurnOptions = {},
  model?: Agent["model"],
): Agent {
  const { form = VERL_AGENT_FORM, maxSteps = 15, temperature = 0.7, exemplars = NO_EXEMPLARS } = options;
  const { maxTokens = form.thought ? 256 : 48 } = options;
  const repair = options.repair === undefined ? {} : { repair: options.repair };
  const settings = {
    ...completer.settings,
    temperature,
    maxTokens,
    prompts: `act ${MULTI_TURN_PROMPT_VERSION}`, // as older records have it
    exemplars: {
      act: exemplars.act.length / 2,
      ...(exemplars.goals.length > 0 ? { trainGoals: exemplars.goals } : {}),
    },
    protocol: "multi-turn",
    form,
    maxSteps,
    ...repair,
  };
  return {
    name,
    settings,
    ...(model ? { model } : {}),
    ...sideBySide(completer),
    play: async (environment, goal, random) => {
      const { fits } = completer;
      if (fits && exemplars.act.length > 0 && !fits(exemplars.act, maxTokens)) {
        throw new InputError(
          `${exemplars.act.length / 2} steps of worked examples do not fit into the model: show fewer, or use a model with more room.`,
        );
      }
      const play = new MultiTurnPlay(environment, goal, {
        form,
        maxSteps,
        exemplars: exemplars.act,
        ...repair,
      });
      const played = await playAnswered(
        name,
        play,
        ({ prompt }) => completer.complete(prompt, { temperature, maxTokens, random }),
        fits && ((prompt) => fits(prompt, maxTokens)),
      );
      return withUsage(played, completer);
    },
  };
}
