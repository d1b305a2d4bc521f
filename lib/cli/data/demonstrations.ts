import type { Command } from "commander";
import { InputError } from "../../base/index.js";
import { note, printJson } from "../common.js";

interface Options {
  readonly queries?: string;
  readonly session?: readonly string[];
  readonly out: string;
  readonly data?: string;
  readonly json?: boolean;
}

/** `aisle data demonstrations`: WebShop's own records of people as a file that a configuration of imitation can name. */
export function addDataDemonstrations(data: Command): void {
  data
    .command("demonstrations")
    .description("write demonstrations from WebShop's own records of people")
    .option("--queries <file>", "the queries that people typed (goal_query_map.json)")
    .option("--session <files...>", "logs of people's sessions (.jsonl)")
    .requiredOption("--out <file>", "JSON Lines, for `demonstrations` in a configuration")
    .option("--data <folder>", "the shop with the sessions' products; without it only queries are taken from sessions")
    .option("--json", "print one JSON object")
    .action(async ({ queries, session = [], out, data: folder, json }: Options) => {
      if (queries === undefined && session.length === 0)
        throw new InputError("Name at least one file with --queries or --session.");
      const { importHumanSession, importQueryMap, writeDemonstrations } = await import(
        "../../imitation/index.js"
      );
      const { openCatalogue } = await import("../../simulator/index.js");
      const catalogue = folder === undefined ? undefined : openCatalogue(folder);
      try {
        const all = [
          ...(queries === undefined ? [] : importQueryMap(queries)),
          ...session.flatMap((path) => importHumanSession(path, catalogue)),
        ];
        if (all.length === 0) throw new InputError("These files hold no demonstrations.");
        writeDemonstrations(out, all);
        const count = (task: string): number => all.filter((one) => one.task === task).length;
        const counts = { query: count("query"), select: count("select") };
        if (json) printJson({ out, ...counts });
        else note(`Wrote ${counts.query} queries and ${counts.select} selections to ${out}.`);
      } finally {
        catalogue?.close();
      }
    });
}
