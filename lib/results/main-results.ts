import { InputError } from "../base/index.js";
import { agentOfModel, families } from "../runs/index.js";
import {
  recordsWhere,
  type RunRecord,
  runsFolder,
  summarize,
  type Summary,
  trainingRecords,
} from "../records/index.js";
import { ladder, type Method, methodNamed, usualStart } from "./ladder.js";

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
  /** The agent whose model its training by reward began from; null for an agent that was not trained by reward. */
  readonly start: string | null;
}

/** The agents that are always in the main table. */
export const mainAgents: readonly ExpectedAgent[] = expectedOf(
  ladder.filter(({ shown }) => shown === "always"),
);

/** {@link mainAgentsIn}, and the methods that are expected and have no training record yet. */
export function expectedAgentsIn(runs = runsFolder): ExpectedAgent[] {
  const found = mainAgentsIn(runs);
  const missing = ladder.filter(
    ({ name, shown }) => shown === "expected" && !found.some(({ agent }) => agent === name),
  );
  return [...found, ...expectedOf(missing)];
}

/**
 * The agents of the main table: {@link mainAgents}, and every method of the ladder with training records, with the seeds and
 * the start that these name. Ablations, which have no row on the ladder, stay out of it.
 * @throws InputError when a training record is not what it claims to be
 */
export function mainAgentsIn(runs = runsFolder): ExpectedAgent[] {
  const records = trainingRecords(runs);
  const learned = [...families(records)].flatMap(([agent, seeds]): ExpectedAgent[] => {
    const method = methodNamed(agent);
    // Imitation has a row of its own whether or not its training is recorded.
    if (!method || mainAgents.some((one) => one.agent === agent)) return [];
    const { start } = records.find(({ identity }) => identity.name === agent)!.identity;
    return [{ agent, seeds, start: agentOfModel(start.name) ?? usualStart(method.protocol) }];
  });
  return [...mainAgents, ...learned];
}

function expectedOf(methods: readonly Method[]): ExpectedAgent[] {
  return methods.map(({ name, seeds, learns, protocol }) => ({
    agent: name,
    seeds,
    start: learns === "reward" ? usualStart(protocol) : null,
  }));
}

/** One agent's place in the main table: empty where its record is missing, so that a table can say so. */
export interface MainResult {
  readonly agent: string;
  readonly seeds: readonly number[];
  /** As in {@link ExpectedAgent}. */
  readonly start: string | null;
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
  return agents.map(({ agent, seeds, start }) => {
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
    return { agent, seeds, start, record, summary: record && summarize(record.results) };
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
  return methodNamed(agent)?.learns === "reward"
    ? `npx aisle train configs/${agent}.json, record, ${evaluate.slice(10)}`
    : evaluate;
}
