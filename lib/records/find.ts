import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { InputError } from "../base/index.js";
import { readRecord, recordFolders, type RunRecord } from "./kinds/evaluation.js";

/** How many ids a message lists. */
const SHOWN = 5;

/**
 * Finds an evaluation's record: by its folder, its id, the name of its agent, or how its id begins.
 * @param place where records live, by default where they always do
 * @throws InputError when there is none, when there are several, or when it is not what it claims to be
 */
export function recordNamed(text: string, place?: string): RunRecord {
  if (existsSync(join(text, "record.json"))) return readRecord(text);
  const folders = recordFolders(place);
  const agent = text.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  for (const fits of [
    (id: string) => id === text,
    (id: string) =>
      /^(?:test|dev|train)-[0-9a-f]{10}$/.test(id.slice(agent.length + 1)) && id.startsWith(`${agent}-`),
    (id: string) => id.startsWith(text),
  ]) {
    const [found, ...others] = folders.filter((path) => fits(basename(path)));
    if (found === undefined) continue;
    if (others.length === 0) return readRecord(found);
    const ids = [found, ...others].map((path) => basename(path));
    const more = ids.length > SHOWN ? ` and ${ids.length - SHOWN} more` : "";
    throw new InputError(`Several records are meant by "${text}": ${ids.slice(0, SHOWN).join(", ")}${more}.`);
  }
  throw new InputError(`There is no record of an evaluation "${text}"; \`aisle records\` lists them.`);
}
