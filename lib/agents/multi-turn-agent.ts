/** A policy that plays the multi-turn protocol, for evaluation as in training. */
import { openPlayer, type Player, TOGETHER } from "./prompted/index.js";
import { PLAIN_FORM, type MultiTurnForm } from "./protocols/index.js";
import { MULTI_TURN_PROMPT_VERSION } from "./prompts/index.js";
import { rollOutMultiTurn } from "./rollouts/index.js";
import type { Agent } from "./types.js";

export interface MultiTurnPlayerOptions extends Partial<MultiTurnForm> {
  /** The name of the model in the settings; its folder by default. A family of checkpoints shares a name. */
  readonly modelName?: string;
  /** Default 0.4, at which verl-agent evaluates. */
  readonly temperature?: number;
  /** Most tokens of an answer. Default 40. */
  readonly maxTokens?: number;
  /** Default 15. */
  readonly maxSteps?: number;
  /** As roll-outs have it; part of how an agent was trained. Default: never. */
  readonly repair?: number;
}

/**
 * An agent that plays multi-turn episodes with the model in a folder.
 * @param name as tables show it
 * @param howToGet said where the folder is missing, e.g. the command that trains it
 * @throws InputError when there is no model there or it is broken
 */
export async function multiTurnFolderAgent(
  name: string,
  folder: string,
  howToGet: string,
  options: MultiTurnPlayerOptions = {},
): Promise<Agent> {
  return multiTurnPlayerAgent(name, await openPlayer(name, folder, howToGet), {
    ...options,
    modelName: options.modelName ?? folder,
  });
}

/** The same with a model that is open already. */
export function multiTurnPlayerAgent(
  name: string,
  player: Player,
  options: MultiTurnPlayerOptions = {},
): Agent {
  const { policy, tokenizer, model, dispose } = player;
  const { temperature = 0.4, maxTokens = 40, maxSteps = 15, modelName = model.name, repair } = options;
  const { history, observations, thought } = { ...PLAIN_FORM, ...options };
  const form = { history, observations, thought };
  return {
    name,
    settings: {
      model: modelName,
      protocol: "multi-turn",
      temperature,
      maxTokens,
      maxSteps,
      ...form,
      ...(repair === undefined ? {} : { repair }),
      prompts: MULTI_TURN_PROMPT_VERSION,
    },
    model,
    ...(dispose ? { dispose } : {}),
    together: TOGETHER,
    play: async (environment, goal, random) => {
      const [played] = await rollOutMultiTurn(policy, tokenizer, environment, [goal], {
        samples: 1,
        temperature,
        maxTokens,
        maxSteps,
        form,
        ...(repair === undefined ? {} : { repair }),
        seed: random.below(2 ** 31),
        name: ["answer"],
      });
      return { ...played![0]!.trajectory, agent: name };
    },
  };
}
