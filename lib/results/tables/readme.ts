import { readFileSync } from "node:fs";
import { InputError } from "../../base/index.js";
import { writeIfChanged } from "../../base/index.js";

const start = "<!-- results:start -->";
const end = "<!-- results:end -->";

/**
 * A README with the text between its markers replaced.
 * @throws InputError when the markers are not there, once each and in order
 */
export function withResults(readme: string, block: string): string {
  const from = readme.indexOf(start);
  const to = readme.indexOf(end);
  if (from < 0 || to < from || readme.indexOf(start, from + 1) >= 0 || readme.indexOf(end, to + 1) >= 0) {
    throw new InputError(`README.md must hold the lines ${start} and ${end}, once each and in this order.`);
  }
  return `${readme.slice(0, from + start.length)}\n\n${block.trim()}\n\n${readme.slice(to)}`;
}

/** Puts the results between README.md's markers; writes only when they changed. */
export function updateReadme(block: string, path = "README.md"): boolean {
  return writeIfChanged(path, withResults(readFileSync(path, "utf8"), block));
}
