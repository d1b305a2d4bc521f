/**
 * Adds actions to committed evaluations that were made before they were kept: plays them again from the same models and chance, and
 * only where every result is the same writes `actions.jsonl` beside it. What was played waits in `runs`, so that an interrupted
 * one goes on.
 *
 *   npx tsx bench/keep-actions.ts grpo il …      agents, or ids of records
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { InputError } from "../lib/base/index.js";
import { ACTIONS_FILE, addActions, ownFolder, recordNamed, runsFolder } from "../lib/records/index.js";
import { agentOf, evaluate } from "../lib/runs/index.js";
import { defaultCatalogue, openEnvironment } from "../lib/simulator/index.js";
import { useBackend } from "../lib/tensor/index.js";

await useBackend("wasm"); // records are made on it
const catalogue = await defaultCatalogue();
for (const name of process.argv.slice(2)) {
  const committed = recordNamed(name, runsFolder);
  const { agent, split, goals, seeds } = committed.identity;
  const { record } = await evaluate({
    agent: await agentOf(agent.name),
    environment: openEnvironment(catalogue, committed.identity.environment),
    ...{ split, goals, seeds },
    runs: join(ownFolder, ".actions"), // not read together with the committed ones
  });
  if (record.id !== committed.id || !isDeepStrictEqual(record.results, committed.results)) {
    throw new InputError(`${committed.path} does not come out again: its actions cannot be added.`);
  }
  const { outcome } = addActions(
    committed,
    readFileSync(join(record.path, ACTIONS_FILE), "utf8"),
    runsFolder,
  );
  process.stdout.write(`${committed.path}: ${outcome}\n`);
}
catalogue.close();
