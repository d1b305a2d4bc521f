import { InputError } from "../base/index.js";
import type { SplitName } from "../simulator/index.js";
import type { RecordQuery } from "./query.js";

const SPLITS: readonly SplitName[] = ["test", "dev", "train"];

/**
 * A query as people write it: `method = grpo, seeds = 0..2, split = test`. Conditions are joined by commas; seeds are one number, a
 * range `a..b` or numbers joined by `+`. `method` is another word for `agent`.
 * @throws InputError for an unknown word or a value that does not fit
 */
export function parseRecordQuery(text: string): RecordQuery {
  const query: { -readonly [K in keyof RecordQuery]: RecordQuery[K] } = {};
  for (const part of text.split(",").map((one) => one.trim())) {
    if (part === "") continue;
    const [, name, value] = /^([a-z]+)\s*=\s*(.+)$/.exec(part) ?? [];
    if (name === undefined || value === undefined) {
      throw new InputError(
        `"${part}" is no condition: write one as in seeds = 0..2, and join them by commas.`,
      );
    }
    if (name === "agent" || name === "method") query.agent = value;
    else if (name === "data") query.data = value;
    else if (name === "seeds") query.seeds = seeds(value);
    else if (name === "goals") query.goalCount = whole(value, part);
    else if (name === "first") query.firstGoal = whole(value, part);
    else if (name === "split") {
      const split = SPLITS.find((one) => one === value);
      if (!split) throw new InputError(`There is no split "${value}"; there are ${SPLITS.join(", ")}.`);
      query.split = split;
    } else {
      throw new InputError(
        `Records cannot be asked for "${name}"; ask for method, split, seeds, goals, first or data.`,
      );
    }
  }
  return query;
}

function whole(text: string, part: string): number {
  if (!/^\d+$/.test(text)) throw new InputError(`In "${part}": a whole number is needed.`);
  return Number(text);
}

function seeds(text: string): number[] {
  const range = /^(\d+)\s*\.\.\s*(\d+)$/.exec(text);
  if (!range) return text.split("+").map((one) => whole(one.trim(), `seeds = ${text}`));
  const [from, to] = [Number(range[1]), Number(range[2])];
  if (to < from || to - from > 10_000)
    throw new InputError(`seeds = ${text} is no range: write the smaller number first.`);
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
