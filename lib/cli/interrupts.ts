/** Ctrl-C and its kin, for verbs that have something to save or to stop. */

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Name = keyof typeof EXIT_CODES;

/**
 * Runs `work` with a signal that is aborted when the process is asked to end. The first request lets the work end cleanly, and
 * the exit code says which it was, as shells do; a second Ctrl-C ends at once.
 * @param says what to tell when the first request comes
 */
export async function withInterrupts<T>(
  work: (signal: AbortSignal) => Promise<T>,
  says?: string,
): Promise<T> {
  const controller = new AbortController();
  let asked: Name | undefined;
  const handlers = (Object.keys(EXIT_CODES) as Name[]).map((name) => {
    const handler = (): void => {
      if (asked) process.exit(EXIT_CODES[name]);
      asked = name;
      if (says !== undefined) process.stderr.write(`${says}\n`);
      controller.abort();
    };
    process.on(name, handler);
    return () => process.removeListener(name, handler);
  });
  try {
    return await work(controller.signal);
  } finally {
    for (const remove of handlers) remove();
    // `fail` sets its own code after this; the shell's convention wins.
    if (asked) process.once("exit", () => (process.exitCode = EXIT_CODES[asked!]));
  }
}
