import { InputError } from "../base/index.js";
import { type RunRecord, recordsWhere, runsFolder } from "./records/index.js";
import { type Summary, summarize } from "./summary.js";

/** The shop that results are about: records made on other data are not used. */
export interface StudyShop {
  readonly fingerprint: string;
  readonly products: number;
  readonly goals: number;
  /** The test goals. */
  readonly test: { readonly first: number; readonly count: number };
}

/** The agents of the main table, with their seeds: an agent without chance in it needs one, every other at least three. */
export const mainAgents: readonly { readonly agent: string; readonly seeds: readonly number[] }[] = [
  { agent: "random", seeds: [0, 1, 2] },
  { agent: "rule", seeds: [0] },
  { agent: "prompted", seeds: [0, 1, 2] },
  { agent: "il", seeds: [0, 1, 2] },
  { agent: "match", seeds: [0] },
  { agent: "oracle", seeds: [0] },
];

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
  agents: typeof mainAgents = mainAgents,
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

/** Only the environment as WebShop has it counts: no attributes shown, every quirk on. */
function onPlainPages({ identity }: RunRecord): boolean {
  const { compat, quirks, showAttributes } = identity.environment;
  const asIs = quirks === undefined || JSON.stringify(quirks) === "{}";
  return compat === "webshop" && asIs && showAttributes === false;
}

/** How to make a missing record. */
export function commandFor(agent: string, seeds: readonly number[]): string {
  return `npx aisle evaluate --agent ${agent}${seeds.join() === "0" ? "" : ` --seeds ${seeds.join()}`}`;
}
