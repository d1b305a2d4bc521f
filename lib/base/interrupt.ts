/** Whether the one who started a piece of work wants it to stop: a notebook's cell that was interrupted. */

type Provider = () => AbortSignal | undefined;

const KEY = Symbol.for("aisle.interrupts");
type Holder = typeof globalThis & { [KEY]?: Provider };

/**
 * The signal of the notebook cell that this code runs for, aborted when the cell is interrupted; `undefined` outside of a notebook.
 * Asking for it promises to stop soon after: the interrupted cell waits for that (a second interrupt does not).
 */
export function interruptSignal(): AbortSignal | undefined {
  return (globalThis as Holder)[KEY]?.();
}

/** For what runs cells: how to find the signal of the cell that the calling code runs for. */
export function provideInterrupts(provider: Provider): void {
  (globalThis as Holder)[KEY] = provider;
}

/**
 * Whether work should stop now. Gives signals and messages their turn first: a loop of calculations that waits only for itself
 * would never hear them.
 */
export async function isAborted(signal: AbortSignal | undefined): Promise<boolean> {
  // Signals are looked for between one turn of the event loop and the next.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  return signal?.aborted === true;
}
