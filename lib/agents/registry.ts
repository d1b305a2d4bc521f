import { didYouMean, InputError, sharedRegistry } from "../base/index.js";
import { HeuristicAgent } from "./heuristics.js";
import { MatchAgent } from "./match.js";
import { multiTurnFolderAgent } from "./multi-turn-agent.js";
import { OracleAgent } from "./oracle.js";
import { PageReaderAgent } from "./page-reader.js";
import { folderAgent } from "./prompted/index.js";
import { RandomAgent } from "./random.js";
import { RuleAgent } from "./rule.js";
import type { Agent } from "./types.js";

/** The base model that is prompted, the same after imitation, and that after imitation of whole episodes; all are shipped. */
const BASE = "data/models/base";
const IMITATION = "data/models/il";
export const MULTI_TURN_MODEL = "data/models/il-act";

/** The agent that multi-turn runs begin from, playing as configs/gigpo.json does. */
export const MULTI_TURN = "il-multi-turn";

/** {@link MULTI_TURN}, with another number of past steps in its prompts under another name. */
export function multiTurnStart(history?: number): Promise<Agent> {
  const name = history === undefined ? MULTI_TURN : `${MULTI_TURN}:h${history}`;
  return multiTurnFolderAgent(name, MULTI_TURN_MODEL, "make it with `aisle train configs/il-act.json`", {
    maxSteps: 10,
    repair: 0.5,
    ...(history === undefined ? {} : { history }),
  });
}

/** Agents that come with the project: those that need nothing but the shop, and those of the shipped models. */
const makers = sharedRegistry<() => Agent | Promise<Agent>>("agents", () => [
  ["rule", () => new RuleAgent()],
  ["random", () => new RandomAgent()],
  ["rule-options", () => new HeuristicAgent("rule-options", { query: "instruction", choice: "first" })],
  ["no-price", () => new HeuristicAgent("no-price", { query: "no-price", choice: "first" })],
  ["own-words", () => new HeuristicAgent("own-words", { query: "own-words", choice: "first" })],
  ["affordable", () => new HeuristicAgent("affordable", { query: "own-words", choice: "affordable" })],
  ["match", () => new MatchAgent()],
  ["list-reader", () => new HeuristicAgent("list-reader", { query: "own-words", choice: "titles" })],
  [
    "metadata-reader",
    () => new HeuristicAgent("metadata-reader", { query: "own-words", choice: "metadata" }),
  ],
  ["page-reader", () => new PageReaderAgent()],
  ["oracle", () => new OracleAgent()],
  ["prompted", () => folderAgent("prompted", BASE, "make it with `aisle train configs/base.json`")],
  ["il", () => folderAgent("il", IMITATION, "make it with `aisle train configs/il.json`")],
  [MULTI_TURN, () => multiTurnStart()],
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
    throw new InputError(
      `There is no agent "${name}"; there are ${agentNames().join(", ")}.${didYouMean(name, agentNames())}`,
    );
  }
  return make();
}
