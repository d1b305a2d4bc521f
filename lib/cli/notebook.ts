import { InputError } from "../base/index.js";
import { note } from "./common.js";
import type { AddVerb } from "./verb.js";

interface Options {
  readonly param: readonly string[];
  readonly parameters?: string;
  readonly out?: string;
  readonly timeout?: number;
}

/** `aisle notebook FILE`: runs one notebook headless, on the kernel that Jupyter uses. */
export const addNotebook: AddVerb = (program) => {
  program
    .command("notebook")
    .description("run a notebook from top to bottom and write its outputs into it")
    .argument("<file>", "the notebook, e.g. notebooks/00-start-here.ipynb")
    .option("-p, --param <name=value>", "set a parameter of the notebook (repeatable)", collect, [])
    .option("-f, --parameters <file>", "read parameters from a YAML or JSON file; --param wins over it")
    .option("--out <file>", "write the executed notebook there instead of in place")
    .option("--timeout <seconds>", "stop a cell that takes longer (default: no limit)", seconds)
    .addHelpText(
      "after",
      `
Examples:
  $ npx aisle notebook notebooks/00-start-here.ipynb
  $ npx aisle notebook notebooks/03-imitation.ipynb -p profile=smoke --out out.ipynb
  $ npx aisle notebook notebooks/03-imitation.ipynb -f parameters.yaml --timeout 600`,
    )
    .action(async (file: string, options: Options) => {
      const { parseParameters, readParameterFile, runNotebook } = await import("../notebook/index.js");
      const { cellProgress } = await import("./progress.js");
      const { withInterrupts } = await import("./interrupts.js");
      const parameters = {
        ...(options.parameters === undefined ? {} : await readParameterFile(options.parameters)),
        ...parseParameters(options.param),
      };
      const progress = cellProgress();
      const result = await withInterrupts((signal) =>
        runNotebook(file, {
          out: options.out,
          parameters,
          timeoutSeconds: options.timeout,
          signal,
          onProgress: progress.show,
        }).finally(progress.end),
      );
      note(`${result.out}: ${result.cells} cells in ${result.seconds.toFixed(1)} s`);
    });
};

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value > 0 && Number.isFinite(value)))
    throw new InputError(`--timeout must be a positive number of seconds, not "${text}".`);
  return value;
}
