import { SingleBar } from "cli-progress";
import { duration, timeLeft } from "../../base/index.js";

/** Shows on stderr how many of a known number are done. */
export interface CountReporter {
  readonly count: (done: number) => void;
  readonly end: () => void;
}

/**
 * A bar with the time left on a terminal, from the first second on, before the first is done; nothing elsewhere, and nothing for what
 * takes less than half a second.
 * @param total how many there are
 */
export function countReporter(what: string, total: number): CountReporter {
  if (!process.stderr.isTTY) return { count: () => undefined, end: () => undefined };
  let bar: SingleBar | undefined;
  let at = 0;
  const show = (): void => {
    bar = new SingleBar({
      format: `{bar} {value}/{total} ${what}, {left}`,
      barsize: 24,
      hideCursor: true,
      stream: process.stderr,
    });
    bar.start(total, at, { left: "the first will say how long it takes" });
  };
  const waiting = setTimeout(show, 500);
  const began = Date.now();
  let first: number | undefined;
  let last = 0;
  return {
    count: (done) => {
      first ??= done;
      at = done;
      const now = Date.now();
      if (!bar && now - began >= 500) show();
      if (!bar || (now - last < 100 && done < total)) return;
      last = now;
      // Those that an interrupted evaluation had finished took no time now.
      const seconds = timeLeft((now - began) / 1000, done - first + 1, total - done);
      bar.update(done, {
        left: done < total ? `${duration(seconds)} left` : `done in ${duration((now - began) / 1000)}`,
      });
    },
    end: () => {
      clearTimeout(waiting);
      bar?.stop();
    },
  };
}
