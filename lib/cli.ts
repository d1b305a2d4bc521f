/** The command line: `npx aisle <verb>`. Each verb is one thin file in `cli/`, which `program.ts` joins. */
import { CommanderError } from "commander";
import { fail } from "./cli/common.js";
import { letReadersGo } from "./cli/pipes.js";
import { programOf } from "./cli/program.js";

async function main(argv: readonly string[]): Promise<void> {
  letReadersGo();
  try {
    await programOf().parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version are not errors; everything else that the parser refuses is bad input.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    fail(error);
  }
}

void main(process.argv);
