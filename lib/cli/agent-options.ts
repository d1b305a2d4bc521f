/** Options that name who plays, for every verb that plays. */
import { type Command, Option } from "commander";
import type { Agent } from "../agents/index.js";
import type { AgentChoice, AgentOfSeed } from "../runs/index.js";
import type { Catalogue } from "../simulator/index.js";
import { addPluginOption, integerOption, numberOption, type PluginFlags } from "./common.js";
import { asksForPrompting, type PromptingFlags, promptingAgent } from "./prompting.js";

// Written out, as help must not load the agents.
const LISTINGS = ["titles", "metadata"] as const;
const READINGS = ["silent", "aloud"] as const;

/** The values of the options. */
export interface AgentFlags extends PromptingFlags, PluginFlags {
  readonly selectModel?: string;
  readonly name?: string;
  readonly listing?: (typeof LISTINGS)[number];
  readonly reading?: (typeof READINGS)[number];
  readonly history?: number;
  readonly runs?: string;
}

/** Adds them but for `--agent` itself and those of prompting, which stand last. */
export function addAgentOptions(command: Command): Command {
  return addPluginOption(command)
    .option(
      "--model <name>",
      "of policy and prompted: a model or adapter, by its folder or by the name it was pulled under; with --base-url: the endpoint's name for its model",
    )
    .option("--select-model <folder>", "of policy: another model for the choices")
    .addOption(
      new Option(
        "--listing <text>",
        "of policy: what its choice sees of the results (default: titles)",
      ).choices(LISTINGS),
    )
    .addOption(
      new Option(
        "--reading <how>",
        "of policy: name a result at once, or judge each aloud first (default: silent)",
      ).choices(READINGS),
    )
    .option("--history <n>", "of il-multi-turn: past steps in its prompts", integerOption("--history", 0))
    .option(
      "--temperature <t>",
      "another sampling temperature than the agent's own; 0 is greedy",
      numberOption("--temperature", 0, 10),
    );
}

/** An agent before the shop is open. */
export interface Chosen {
  /** It asks a model by options of prompting. */
  readonly prompting: boolean;
  /** The agent for each seed, in an opened shop. */
  open(catalogue: Catalogue): Promise<AgentOfSeed>;
}

/**
 * Finds the agent that the options name. What can be refused is refused before a shop is built: a misspelt name should cost nothing.
 * @throws InputError when there is no such agent, or the options do not go together
 */
export async function chosenAgent(flags: AgentFlags): Promise<Chosen> {
  if (flags.plugin.length > 0) {
    const { loadPlugins } = await import("../runs/index.js");
    await loadPlugins(flags.plugin);
  }
  if (await asksForPrompting(flags)) {
    return {
      prompting: true,
      open: async (catalogue) => {
        const agent: Agent = await promptingAgent(flags, catalogue);
        return () => Promise.resolve(agent);
      },
    };
  }
  const { agentOf } = await import("../runs/index.js");
  const { model, selectModel, listing, reading, temperature, name, history, runs } = flags;
  const given = { model, selectModel, listing, reading, temperature, name, history, runs };
  const choice = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const named = await agentOf(flags.agent, choice as AgentChoice);
  return { prompting: false, open: () => Promise.resolve(named) };
}
