/**
 * Lets `concurrency` through at once and `perMinute` in any minute; the returned function gives the place back. Times are those
 * of a clock that never goes back: setting the computer's clock delays no request.
 * @param minute milliseconds that count as a minute; for tests
 */
export function limiter(concurrency: number, perMinute?: number, minute = 60_000): () => Promise<() => void> {
  const waiting: (() => void)[] = [];
  const started: number[] = [];
  let inside = 0;
  return async () => {
    if (inside >= concurrency) await new Promise<void>((resume) => waiting.push(resume));
    else inside += 1; // a place that is handed over stays counted
    if (perMinute !== undefined) {
      for (;;) {
        const now = performance.now();
        const left = started.length < perMinute ? 0 : started[started.length - perMinute]! + minute - now;
        if (left <= 0) break;
        await pause(left);
      }
      started.push(performance.now());
      if (started.length > perMinute) started.shift();
    }
    return () => {
      const next = waiting.shift();
      if (next) next();
      else inside -= 1;
    };
  };
}

/** Waits so many milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, Math.max(0, milliseconds)));
}
