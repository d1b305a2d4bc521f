import type { Command } from "commander";
import { InputError, messageOf } from "../base/index.js";

/** Says on stderr what went wrong in one sentence and sets the exit code: 2 for bad input, 1 for a failure. */
export function fail(error: unknown): void {
  const bad = error instanceof InputError;
  process.stderr.write(`aisle: ${messageOf(error)}\n`);
  if (!bad && process.env["AISLE_DEBUG"] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  process.exitCode = bad ? 2 : 1;
}

/** Prints the one JSON object that `--json` promises on stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/**
 * Parses a whole-number option.
 * @throws InputError when it is not an integer in [min, max].
 */
export function integerOption(
  name: string,
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
): (text: string) => number {
  return (text) => {
    const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
      throw new InputError(`${name} must be a whole number ${range}, not "${text}".`);
    }
    return value;
  };
}

/**
 * Parses an option that is a number, in decimal notation.
 * @throws InputError when it is not a number in [min, max].
 */
export function numberOption(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) {
      throw new InputError(`${name} must be a number from ${min} to ${max}, not "${text}".`);
    }
    return value;
  };
}

/** Gathers an option that may be given several times. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** Adds `--plugin`, which may be given several times. */
export function addPluginOption(command: Command): Command {
  return command.option(
    "--plugin <file>",
    "load a file of your own first (docs/guides); repeatable",
    collect,
    [],
  );
}

/** The value of the option. */
export interface PluginFlags {
  readonly plugin: readonly string[];
}

/** A note for the person at the terminal: always on stderr, so that stdout stays clean for `--json`. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
