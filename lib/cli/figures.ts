import { note, printJson } from "./common.js";
import type { AddVerb } from "./verb.js";

/** `aisle figures`: the thesis's figures from the run records. */
export const addFigures: AddVerb = (program) => {
  program
    .command("figures")
    .description("make the figures from the run records: SVG, and vector PDF where rsvg-convert is installed")
    .argument("[names...]", "only these")
    .option("--json", "print one JSON object")
    .action(async (names: string[], options: { json?: boolean }) => {
      const { defaultStudyData, makeFigures } = await import("../results/index.js");
      const { figureNamed, figures } = await import("../../figures/index.js");
      const wanted = names.length > 0 ? names.map(figureNamed) : figures;
      const made = await makeFigures(wanted, await defaultStudyData());
      if (made.some(({ pdf }) => pdf === null)) {
        note("rsvg-convert is not installed: the figures are SVG only (Debian: apt install librsvg2-bin).");
      }
      if (options.json) printJson({ figures: made.map(({ name, svg, pdf }) => ({ name, svg, pdf })) });
      else for (const { svg, pdf } of made) process.stdout.write(`${pdf ? `${svg}  ${pdf}` : svg}\n`);
    });
};
