import { InputError } from "../base/index.js";
import { families } from "../runs/index.js";
import {
  recordsWhere,
  type RunRecord,
  runsFolder,
  summarize,
  type Summary,
  trainingRecords,
} from "../records/index.js";
import { isKnownAgent } from "./style/index.js";

/** The shop that results are about: records made on other data are not used. */
export interface StudyShop {
  readonly fingerprint: string;
  readonly products: number;
  readonly goals: number;
  /** The test goals. */
  readonly test: { readonly first: number; readonly count: number };
}

/** An agent that a table expects, with the seeds of its record. */
export interface ExpectedAgent {
  readonly agent: string;
  readonly seeds: readonly number[];
}

/** The agents that are always in the main table: one without chance in it needs one seed, every other at least three. */
export const mainAgents: readonly ExpectedAgent[] = [
  { agent: "random", seeds: [0, 1, 2] },
  { agent: "rule", seeds: [0] },
  { agent: "prompted", seeds: [0, 1, 2] },
  { agent: "il", seeds: [0, 1, 2] },
  { agent: "match", seeds: [0] },
  { agent: "oracle", seeds: [0] },
];

/** What multi-turn training begins from: the imitation model with a decision on every page. */
export const multiTurnImitation: ExpectedAgent = { agent: "il-multi-turn", seeds: [0, 1, 2] };

/** The families that are trained with a decision on every page. */
export const multiTurnFamilies: readonly string[] = ["grpo-multi-turn", "arpo", "gigpo", "gigpo_dynamic"];

/** The trained families that the study is about: a table says so where one has no record. */
export const expectedFamilies: readonly string[] = [
  "rloo",
  "dr_grpo",
  "grpo",
  "thesis",
  "ppo",
  "dapo",
  "gspo",
  "cispo",
  "grpo-multi-turn",
  "arpo",
  "gigpo",
];

/** Whether an agent of the main table was trained by reward. */
export function isTrained(agent: string): boolean {
  return ![...mainAgents, multiTurnImitation].some((one) => one.agent === agent);
}

/** The agent that a trained family began as. */
export function startOf(family: string): string {
  return multiTurnFamilies.includes(family) ? multiTurnImitation.agent : "il";
}

/** {@link mainAgentsIn}, the start of multi-turn training, and the expected families that have no training record yet. */
export function expectedAgentsIn(runs = runsFolder): ExpectedAgent[] {
  const found = mainAgentsIn(runs);
  const missing = expectedFamilies.filter((family) => !found.some(({ agent }) => agent === family));
  return [...found, multiTurnImitation, ...missing.map((agent) => ({ agent, seeds: [0, 1, 2] }))];
}

/**
 * The agents of the main table: {@link mainAgents}, and every family with training records and a name of its own in
 * `agentStyle`, with the seeds that it was trained with. Ablations, which have none, stay out of it.
 * @throws InputError when a training record is not what it claims to be
 */
export function mainAgentsIn(runs = runsFolder): ExpectedAgent[] {
  const learned = [...families(trainingRecords(runs))].filter(([agent]) => isKnownAgent(agent));
  return [...mainAgents, ...learned.map(([agent, seeds]) => ({ agent, seeds }))];
}

/** One agent's place in the main table: empty where its record is missing, so that a table can say so. */
export interface MainResult {
  readonly agent: string;
  readonly seeds: readonly number[];
  readonly record: RunRecord | null;
  readonly summary: Summary | null;
}

/**
 * The main results on a shop: for each expected agent the one record over all test goals with its seeds.
 * @throws InputError when two records answer to the same place, or one is not what it claims to be
 */
export function mainResults(
  shop: StudyShop,
  runs = runsFolder,
  agents: readonly ExpectedAgent[] = expectedAgentsIn(runs),
): MainResult[] {
  const wanted = {
    split: "test",
    data: shop.fingerprint,
    firstGoal: shop.test.first,
    goalCount: shop.test.count,
  };
  const records = recordsWhere({ ...wanted, split: "test" }, runs).filter(onPlainPages);
  return agents.map(({ agent, seeds }) => {
    const found = records.filter(
      ({ identity }) => identity.agent.name === agent && identity.seeds.join() === seeds.join(),
    );
    if (found.length > 1) {
      const names = found.map((record) => record.path).join(" and ");
      throw new InputError(
        `${names} are both results of ${agent} on the test goals: delete the one that is out of date.`,
      );
    }
    const record = found[0] ?? null;
    return { agent, seeds, record, summary: record && summarize(record.results) };
  });
}

/**
 * The seeds of an agent's record over all test goals, the most where there are several.
 * @throws InputError when there is none
 */
export function seedsOf(agent: string, shop: StudyShop, runs = runsFolder): readonly number[] {
  const { first, count } = shop.test;
  const query = { agent, split: "test", data: shop.fingerprint, firstGoal: first, goalCount: count } as const;
  const found = recordsWhere(query, runs).filter(onPlainPages);
  if (found.length === 0) {
    throw new InputError(
      `There is no record of ${agent} over all test goals: make one with \`${commandFor(agent, [0, 1, 2])}\`.`,
    );
  }
  return found.map(({ identity }) => identity.seeds).reduce((a, b) => (b.length > a.length ? b : a));
}

/** Only the environment as WebShop has it counts: no attributes shown, every quirk on. */
function onPlainPages({ identity }: RunRecord): boolean {
  const { compat, quirks, showAttributes } = identity.environment;
  const asIs = quirks === undefined || JSON.stringify(quirks) === "{}";
  return compat === "webshop" && asIs && showAttributes === false;
}

/** How to make a missing record. */
export function commandFor(agent: string, seeds: readonly number[]): string {
  const evaluate = `npx aisle evaluate --agent ${agent}${seeds.join() === "0" ? "" : ` --seeds ${seeds.join()}`}`;
  return isTrained(agent) && isKnownAgent(agent)
    ? `npx aisle train configs/${agent}.json, record, ${evaluate.slice(10)}`
    : evaluate;
}
