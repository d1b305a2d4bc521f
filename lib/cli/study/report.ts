import { SingleBar } from "cli-progress";

/** Shows on stderr how many of a known number are done. */
export interface CountReporter {
  readonly count: (done: number, total: number) => void;
  readonly end: () => void;
}

/** A bar with the time left on a terminal, nothing elsewhere and nothing for what takes less than half a second. */
export function countReporter(what: string): CountReporter {
  const started = Date.now();
  let bar: SingleBar | undefined;
  let last = 0;
  return {
    count: (done, total) => {
      const now = Date.now();
      if (!process.stderr.isTTY || now - started < 500 || (now - last < 100 && done < total)) return;
      last = now;
      if (!bar) {
        bar = new SingleBar({
          format: `{bar} {value}/{total} ${what}, {eta_formatted} left`,
          barsize: 24,
          hideCursor: true,
          stream: process.stderr,
        });
        bar.start(total, done);
      }
      bar.update(done);
    },
    end: () => bar?.stop(),
  };
}
