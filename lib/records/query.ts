import type { SplitName } from "../simulator/index.js";
import { readRecord, recordFolders, type RunRecord } from "./kinds/evaluation.js";

/** Which records are wanted; what is left out does not matter. */
export interface RecordQuery {
  readonly agent?: string;
  readonly split?: SplitName;
  /** Fingerprint of the shop. */
  readonly data?: string;
  /** All of these seeds must be in the record. */
  readonly seeds?: readonly number[];
  readonly firstGoal?: number;
  readonly goalCount?: number;
}

/**
 * The records that a query describes, in order of id.
 * @param place where to look; by default among one's own records and the committed ones
 * @throws InputError when a record there is not what it claims to be: it is refused, not passed over
 */
export function recordsWhere(query: RecordQuery = {}, place?: string): RunRecord[] {
  return recordFolders(place)
    .map((path) => readRecord(path))
    .filter(({ identity }) => {
      const is = <T>(wanted: T | undefined, value: T): boolean => wanted === undefined || wanted === value;
      return (
        is(query.agent, identity.agent.name) &&
        is(query.split, identity.split) &&
        is(query.data, identity.data.fingerprint) &&
        is(query.firstGoal, identity.goals.first) &&
        is(query.goalCount, identity.goals.count) &&
        (query.seeds ?? []).every((seed) => identity.seeds.includes(seed))
      );
    });
}
