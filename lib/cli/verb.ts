import type { Command } from "commander";

/** Adds one verb to the program. Heavy imports happen inside the verb's action, so that `--help` stays instant. */
export type AddVerb = (program: Command) => void;
