import { note, printJson } from "./common.js";
import type { AddVerb } from "./verb.js";

/** `aisle tables`: the tables of the thesis and the README from the run records. */
export const addTables: AddVerb = (program) => {
  program
    .command("tables")
    .description("make the tables and the thesis's numbers from the run records, and README.md's results")
    .option("--json", "print one JSON object")
    .action(async (options: { json?: boolean }) => {
      const { defaultStudyData, makeTables, resultsTable } = await import("../results/index.js");
      const data = await defaultStudyData();
      const { files, missing } = makeTables(data);
      for (const command of missing)
        note(`A record is missing, and its row says so; make it with: ${command}`);
      if (options.json) {
        printJson({ files, missing });
        return;
      }
      process.stdout.write(`${resultsTable(data)}\n${files.join("\n")}\n`);
    });
};
