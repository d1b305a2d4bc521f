/** The command line: `npx aisle <verb>`. Each verb is one thin file in `cli/`; this one joins them. */
import { Command, CommanderError } from "commander";
import { fail } from "./cli/common.js";
import { letReadersGo } from "./cli/pipes.js";
import { verbs } from "./cli/verbs.js";

async function main(argv: readonly string[]): Promise<void> {
  letReadersGo();
  const program = new Command("aisle")
    .description("A notebook research workbench for training language-model agents that shop.")
    .version("0.1.0")
    .showHelpAfterError("(add --help for what is possible)")
    .exitOverride();
  for (const add of verbs) add(program);
  for (const command of program.commands) inheritExit(command);
  try {
    await program.parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version are not errors; everything else that the parser refuses is bad input.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    fail(error);
  }
}

/** Subcommands throw as the program does, so that every refusal takes the same way out. */
function inheritExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) inheritExit(child);
}

void main(process.argv);
