/** Progress of cells on stderr: one line that rewrites itself on a terminal, a line per cell elsewhere. */
import { duration } from "../base/index.js";
import type { RunProgress } from "../notebook/index.js";

/** `show` for each cell that starts, `end` when the run is over, however it ended. */
export function cellProgress(): { show(progress: RunProgress): void; end(): void } {
  const live = process.stderr.isTTY;
  return {
    show(progress) {
      if (progress.cell > progress.cells) return;
      const left = progress.secondsLeft === undefined ? "" : `, ${duration(progress.secondsLeft)} left`;
      const line = `${progress.notebook}: cell ${progress.cell} of ${progress.cells}${left}`;
      process.stderr.write(live ? `\r\u001b[K${line}` : `${line}\n`);
    },
    end() {
      if (live) process.stderr.write("\r\u001b[K");
    },
  };
}

export { duration };
