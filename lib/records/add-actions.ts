import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ACTIONS_FILE, checkedEpisodes } from "./actions.js";
import { readProvenance, type WriteOutcome, writeKind } from "./envelope.js";
import { evaluationKind, type RunRecord } from "./kinds/evaluation.js";
import { provenance } from "./provenance.js";

/**
 * Adds the actions of its episodes to a record that was made before they were kept. Nothing else changes: results, other files and
 * provenance stay.
 * @param actions the text of `actions.jsonl`
 * @param place the folder in which the record lies
 * @throws InputError when a line is not the episode of its result; the record is then as it was
 */
export function addActions(
  record: RunRecord,
  actions: string,
  place: string,
): { record: RunRecord; outcome: WriteOutcome } {
  const { identity, results, files, path } = record;
  const kept = Object.keys(files).map((name): [string, Uint8Array | string] => [
    name,
    readFileSync(join(path, name)),
  ]);
  const all = new Map([...kept, [ACTIONS_FILE, actions] as const]);
  const where = readProvenance(path);
  const lines = actions.split("\n").slice(0, -1);
  for (const _ of checkedEpisodes(lines, record, `the actions for ${path}`)) continue;
  return writeKind(
    evaluationKind,
    { identity, results },
    { files: all, provenance: () => where ?? provenance(0) },
    place,
  );
}
