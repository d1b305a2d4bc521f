import { CommanderError } from "commander";
import { fail } from "./common.js";
import { programOf } from "./program.js";

/** Runs one command. What went wrong is said on stderr and is in `process.exitCode`; nothing is thrown. */
export async function main(argv: readonly string[]): Promise<void> {
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
