import { InputError } from "../base/index.js";
import { MatchAgent } from "./match.js";
import { actAgent } from "./multi-turn-agent.js";
import { OracleAgent } from "./oracle.js";
import { folderAgent } from "./prompted/index.js";
import { RandomAgent } from "./random.js";
import { RuleAgent } from "./rule.js";
import type { Agent } from "./types.js";

/** The base model that is prompted, and the same after imitation; both are shipped. */
const BASE = "data/models/base";
const IMITATION = "data/models/il";

/** Agents that come with the project: those that need nothing but the shop, and those of the shipped models. */
const makers = new Map<string, () => Agent | Promise<Agent>>([
  ["rule", () => new RuleAgent()],
  ["random", () => new RandomAgent()],
  ["match", () => new MatchAgent()],
  ["oracle", () => new OracleAgent()],
  ["prompted", () => folderAgent("prompted", BASE, "make it with `aisle train configs/base.json`")],
  ["il", () => folderAgent("il", IMITATION, "make it with `aisle train configs/il.json`")],
  [
    "il-multi-turn",
    // As configs/gigpo.json plays: what the multi-turn runs begin from.
    () =>
      actAgent("il-multi-turn", IMITATION, "make it with `aisle train configs/il.json`", {
        maxSteps: 10,
        repair: 0.5,
      }),
  ],
]);

/** Adds a way of acting under a name, for `agentNamed` and the command line. */
export function registerAgent(name: string, make: () => Agent | Promise<Agent>): void {
  makers.set(name, make);
}

/** The names that `agentNamed` knows. */
export function agentNames(): readonly string[] {
  return [...makers.keys()];
}

/**
 * The agent of a name.
 * @throws InputError when there is none.
 */
export async function agentNamed(name: string): Promise<Agent> {
  const make = makers.get(name);
  if (make === undefined) {
    throw new InputError(`There is no agent "${name}"; there are ${agentNames().join(", ")}.`);
  }
  return make();
}
