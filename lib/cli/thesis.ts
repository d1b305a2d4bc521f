import { RunError } from "../base/index.js";
import { note, printJson } from "./common.js";
import type { AddVerb } from "./verb.js";

/** `aisle thesis`: tables, figures and the PDF from the run records. */
export const addThesis: AddVerb = (program) => {
  program
    .command("thesis")
    .description("make tables and figures from the run records and build thesis/main.pdf")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      "\nThe build fails on an undefined reference, on a number without a record and on a line that is too wide.",
    )
    .action(async (options: { json?: boolean }) => {
      const { defaultStudyData, makeThesis } = await import("../results/index.js");
      const { figures: every } = await import("../../figures/index.js");
      const { pdf, pages, lacking, figures, tables } = await makeThesis(every, await defaultStudyData());
      if (pdf === null) {
        throw new RunError(
          `Tables and figures are made, but the thesis needs ${lacking.join(" and ")}, which this machine lacks.`,
        );
      }
      note(`${figures.length} figures and ${tables.files.length} files of tables were made first.`);
      if (options.json) printJson({ pdf, pages });
      else process.stdout.write(`${pdf}  ${pages} pages\n`);
    });
};
