import { type EpisodeResult, resultColumns } from "./schema.js";

/** Episodes as the rows of `record.json`, in the order of `resultColumns`. */
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
  return rows.map((row, index) => {
    const fault = faultOf(row, columns.length);
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
    };
  });
}

const optional = new Set<string>(["r_option"]);
const fractions = new Set<string>(["reward", "r_type", "r_att", "r_option", "r_price"]);
const counts = new Set<string>(["goal", "steps", "attributes", "options"]);

/** Why a row is not an episode, or "". */
function faultOf(row: readonly (number | null)[], width: number): string {
  if (row.length !== width) return `has ${row.length} values instead of ${width}`;
  for (const [i, name] of resultColumns.entries()) {
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
  return "";
}
