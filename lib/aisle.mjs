#!/usr/bin/env node
// The command's entry: plain JavaScript that even an old Node can read, so that it can say what is wrong before anything
// else is loaded: the Node version and the folder are checked here and nowhere else.
import { readFileSync, realpathSync } from "node:fs";
import { dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));

/** Why this command cannot run here, or null. */
function obstacle() {
  const { engines } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
  const [, major, minor] = /(\d+)\.(\d+)/.exec(engines.node).map(Number);
  const [ownMajor, ownMinor] = process.versions.node.split(".").map(Number);
  if (ownMajor < major || (ownMajor === major && ownMinor < minor)) {
    return `Aisle needs Node ${major}.${minor} or newer, and this is Node ${process.versions.node}; install one from nodejs.org.`;
  }
  const asksForWords = process.argv
    .slice(2)
    .some((word) => ["--help", "-h", "--version", "-V"].includes(word));
  const here = realpathSync(process.cwd());
  if (here === root || asksForWords || process.argv.length === 2) return null;
  const way = relative(here, root);
  const how = /^(\.\.[/\\]?)+$/.test(way) ? way : root;
  return `run this in the project's folder (cd ${how}): shops, models, configurations and records are named from there.`;
}

const why = obstacle();
if (why === null) {
  const { register } = await import("tsx/esm/api");
  register();
  await import("./cli.ts");
} else {
  process.stderr.write(`aisle: ${why}\n`);
  process.exitCode = 2;
}
