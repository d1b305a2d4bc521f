/**
 * Two kinds of error: a person's input is wrong, or the machine fails while running. The command line turns
 * the first into exit code 2 and the second into exit code 1; everywhere else they are ordinary errors.
 */

/** Bad input: one sentence that says what is wrong, where, and what to do. The command line exits with 2. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** A failure while running (a full disk, a killed kernel, a non-finite loss). The command line exits with 1. */
export class RunError extends Error {
  override readonly name = "RunError";
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's code of a failed file or network operation (`ENOENT`, `ENOSPC`, …), or `undefined`. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
