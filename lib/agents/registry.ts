import { InputError } from "../base/index.js";
import { MatchAgent } from "./match.js";
import { OracleAgent } from "./oracle.js";
import { RandomAgent } from "./random.js";
import { RuleAgent } from "./rule.js";
import type { Agent } from "./types.js";

/** Agents that need nothing but the shop. Those with a model register themselves beside these, by name. */
const makers = new Map<string, () => Agent | Promise<Agent>>([
  ["rule", () => new RuleAgent()],
  ["random", () => new RandomAgent()],
  ["match", () => new MatchAgent()],
  ["oracle", () => new OracleAgent()],
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
