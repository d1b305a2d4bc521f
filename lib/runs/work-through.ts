/** How a list of things is worked through. */
export interface WorkOptions {
  /** How many are begun before the first has ended. */
  readonly concurrency: number;
  /** When it is aborted, nothing new is begun; what was begun is ended. */
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds of work without a pause; in a pause, signals and timers have their turn. */
const SLICE = 50;

/**
 * Works through a list, several at once, begun in order. After a failure nothing new is begun, what was begun is ended,
 * and the first failure is thrown.
 */
export async function workThrough<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  { concurrency, signal }: WorkOptions,
): Promise<void> {
  let next = 0;
  let failed = false;
  let rested = performance.now();
  const one = async (): Promise<void> => {
    while (next < items.length && !failed && signal?.aborted !== true) {
      try {
        await work(items[next++]!);
      } catch (error) {
        failed = true;
        throw error;
      }
      if (performance.now() - rested < SLICE) continue;
      await new Promise((resume) => setImmediate(resume));
      rested = performance.now();
    }
  };
  const workers = Array.from({ length: Math.min(concurrency, items.length) }, one);
  const ends = await Promise.allSettled(workers);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}
