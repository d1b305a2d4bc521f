/** Episodes as a record keeps them: one row of numbers each, whose reward follows from its parts. */
import type { Usage } from "../../agents/index.js";
import { rewardFromParts } from "../../simulator/index.js";

/** The columns that every evaluation has; a record may have further numeric ones after them. */
export const resultColumns = [
  "seed",
  "goal",
  "reward",
  "bought",
  "steps",
  "r_type",
  "r_att",
  "r_option",
  "r_price",
  "attributes",
  "options",
] as const;

/** Further columns where a model's answers are counted. */
export const usageColumns = ["requests", "prompt_tokens", "completion_tokens"] as const;

/** One played episode. The parts are 0 where nothing was bought; `rOption` is null where the goal names no option. */
export interface EpisodeResult {
  readonly seed: number;
  readonly goal: number;
  /** In [0, 1]. */
  readonly reward: number;
  readonly bought: boolean;
  /** Actions taken, the impossible ones included. */
  readonly steps: number;
  readonly rType: number;
  readonly rAtt: number;
  readonly rOption: number | null;
  readonly rPrice: number;
  /** How many attributes and options the goal asks for. */
  readonly attributes: number;
  readonly options: number;
  /** Requests and tokens of the model in the episode, where they are counted. */
  readonly usage?: Usage;
}

const COLUMNS: readonly string[] = resultColumns;
const WITH_USAGE: readonly string[] = [...resultColumns, ...usageColumns];

/** The columns of some episodes: with usage where it was counted, which is for all of them or none. */
export function columnsOf(results: readonly EpisodeResult[]): readonly string[] {
  return results.some(({ usage }) => usage) ? WITH_USAGE : COLUMNS;
}

/** The columns of one row that says nothing of them. */
export function columnsOfRow(row: readonly unknown[]): readonly string[] {
  return row.length === WITH_USAGE.length ? WITH_USAGE : COLUMNS;
}

/** Episodes as the rows of `record.json`, in the order of `columnsOf`. */
export function toRows(results: readonly EpisodeResult[]): (number | null)[][] {
  return results.map((r) => [
    r.seed,
    r.goal,
    r.reward,
    r.bought ? 1 : 0,
    r.steps,
    r.rType,
    r.rAtt,
    r.rOption,
    r.rPrice,
    r.attributes,
    r.options,
    ...(r.usage ? [r.usage.requests, r.usage.promptTokens, r.usage.completionTokens] : []),
  ]);
}

/**
 * Rows back as episodes.
 * @throws Error with a short reason when a row is not an episode
 */
export function fromRows(
  columns: readonly string[],
  rows: readonly (readonly (number | null)[])[],
): EpisodeResult[] {
  if (resultColumns.some((name, i) => columns[i] !== name)) {
    throw new Error(`its columns must begin with ${resultColumns.join(", ")}`);
  }
  const counted = usageColumns.every((name, i) => columns[COLUMNS.length + i] === name);
  return rows.map((row, index) => {
    const fault = faultOf(row, columns);
    if (fault) throw new Error(`row ${index + 1} of its results ${fault}`);
    const [seed, goal, reward, bought, steps, rType, rAtt, rOption, rPrice, attributes, options] = row;
    return {
      seed: seed!,
      goal: goal!,
      reward: reward!,
      bought: bought === 1,
      steps: steps!,
      rType: rType!,
      rAtt: rAtt!,
      rOption: rOption ?? null,
      rPrice: rPrice!,
      attributes: attributes!,
      options: options!,
      ...(counted ? { usage: usageIn(row) } : {}),
    };
  });
}

function usageIn(row: readonly (number | null)[]): Usage {
  const [requests, promptTokens, completionTokens] = row.slice(COLUMNS.length) as number[];
  return { requests: requests!, promptTokens: promptTokens!, completionTokens: completionTokens! };
}

const optional = new Set<string>(["r_option"]);
const fractions = new Set<string>(["reward", "r_type", "r_att", "r_option", "r_price"]);
const counts = new Set<string>(["goal", "steps", "attributes", "options", ...usageColumns]);

/** Why a row is not an episode, or "". */
function faultOf(row: readonly (number | null)[], columns: readonly string[]): string {
  if (row.length !== columns.length) return `has ${row.length} values instead of ${columns.length}`;
  for (const [i, name] of columns.entries()) {
    if (!WITH_USAGE.includes(name)) continue;
    const x = row[i] ?? null;
    if (x === null) {
      if (!optional.has(name)) return `has no ${name}`;
    } else if (fractions.has(name) && !(x >= 0 && x <= 1)) {
      return `has ${name} ${x}, which is not in [0, 1]`;
    } else if (counts.has(name) && !(Number.isInteger(x) && x >= 0)) {
      return `has ${name} ${x}, which is not a count`;
    } else if (name === "bought" && x !== 0 && x !== 1) {
      return `has bought ${x}, which is neither 0 nor 1`;
    }
  }
  if (row[3] === 0 && row[2] !== 0) return "has a reward although nothing was bought";
  return row[3] === 1 ? rewardFault(row as readonly number[]) : "";
}

/** Why a purchase's reward is not the one that its parts give, or "". */
function rewardFault(row: readonly number[]): string {
  const [, , reward, , , rType, rAtt, rOption, rPrice, attributes, options] = row;
  const parts = {
    rType: rType!,
    rAtt: rAtt!,
    rOption: rOption ?? null,
    rPrice: rPrice === 1 ? (1 as const) : (0 as const),
  };
  const expected = rewardFromParts(parts, { attributes: attributes!, options: options! });
  return reward === expected ? "" : `has the reward ${reward}, and its parts give ${expected}`;
}
