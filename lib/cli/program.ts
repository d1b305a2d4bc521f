import { Command } from "commander";
import { verbs } from "./verbs.js";

/** The whole command line: every verb, whose refusals are thrown instead of ending the process. */
export function programOf(): Command {
  const program = new Command("aisle")
    .description("A notebook research workbench for training language-model agents that shop.")
    .version("0.1.0")
    .showHelpAfterError("(add --help for what is possible)")
    .exitOverride();
  for (const add of verbs) add(program);
  for (const command of program.commands) inheritExit(command);
  return program;
}

/** Subcommands throw as the program does, so that every refusal takes the same way out. */
function inheritExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) inheritExit(child);
}
