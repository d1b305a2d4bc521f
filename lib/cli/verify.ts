import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { InputError, messageOf, RunError } from "../base/index.js";
import { printJson } from "./common.js";
import type { AddVerb } from "./verb.js";

/** Where Aisle's own things lie when nobody says where. */
const PLACES = ["runs", "data"];

/** One thing that was looked at. */
interface Verified {
  readonly path: string;
  readonly kind: "shop" | "record" | "run" | "model";
  /** Its description, or the reason why it is refused. */
  readonly line: string;
  readonly whole: boolean;
}

/** `aisle verify`: whether everything that lies in a folder is what it says it is. */
export const addVerify: AddVerb = (program) => {
  program
    .command("verify")
    .description(
      "check every shop, record, run and model in folders: each byte that has a checksum, in one line each",
    )
    .argument("[folders...]", "where to look, at any depth (default: runs and data)")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nExits with 1 when something is damaged. A model without a record has no checksum: its files are read and measured.\n" +
        "\nExamples:\n  aisle verify\n  aisle verify data/training/grpo-0 data/shop",
    )
    .action(async (folders: string[], options: { json?: boolean }) => {
      for (const folder of folders) {
        if (!existsSync(folder)) throw new InputError(`There is no folder ${folder}.`);
      }
      const places = folders.length > 0 ? folders : PLACES.filter((place) => existsSync(place));
      const found: Verified[] = [];
      for (const place of places) {
        await verifyBelow(place, (one) => {
          found.push(one);
          if (!options.json)
            process.stdout.write(
              `${one.whole ? "ok     " : "DAMAGED"} ${one.kind.padEnd(6)} ${one.path}  ${one.line}\n`,
            );
        });
      }
      if (options.json) printJson({ verified: found });
      const damaged = found.filter(({ whole }) => !whole);
      if (damaged.length > 0) {
        throw new RunError(
          `${damaged.length} of ${found.length} are damaged: ${damaged.map(({ path }) => path).join(", ")}.`,
        );
      }
      if (found.length === 0)
        throw new InputError(`There is no shop, record, run or model in ${places.join(", ")}.`);
    });
};

/** Looks at a folder and, where it is nothing itself, at those in it. */
async function verifyBelow(path: string, say: (one: Verified) => void): Promise<void> {
  const kind = kindOf(path);
  if (kind !== null) {
    try {
      say({ path, kind, line: await CHECKS[kind](path), whole: true });
    } catch (error) {
      say({ path, kind, line: messageOf(error), whole: false });
    }
    return;
  }
  const folders = readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map((entry) => entry.name);
  for (const name of folders.sort()) await verifyBelow(join(path, name), say);
}

/** The kind of a folder, by its characteristic file; null when it is none of them. */
function kindOf(path: string): Verified["kind"] | null {
  const has = (name: string): boolean => existsSync(join(path, name));
  if (has("record.json")) return "record";
  if (has("manifest.json")) return "shop";
  if (has("progress.json")) return "run";
  if (has("config.json") && readdirSync(path).some((name) => name.endsWith(".safetensors"))) return "model";
  return null;
}

const CHECKS: Readonly<Record<Verified["kind"], (path: string) => Promise<string>>> = {
  record: async (path) => {
    const { readAnyRecord } = await import("../records/index.js");
    return readAnyRecord(path).line.trim();
  },
  shop: async (path) => {
    const { openCatalogue } = await import("../simulator/index.js");
    const catalogue = openCatalogue(path, { verify: true });
    try {
      return `${catalogue.size} products, ${catalogue.goalCount} goals`;
    } finally {
      catalogue.close();
    }
  },
  run: async (path) => {
    const { checkRun } = await import("../runs/index.js");
    return checkRun(path);
  },
  model: async (path) => {
    const { describeModel } = await import("../model/index.js");
    const bytes = readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
    const { parameters } = await describeModel(path);
    return `${parameters} parameters, ${bytes} bytes; no checksum`;
  },
};
