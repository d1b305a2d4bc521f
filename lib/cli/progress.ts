/** Progress of cells on stderr: one line that rewrites itself on a terminal, a line per cell elsewhere. */
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

/** A span of time for people: `8 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  const whole = Math.max(1, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 === 0 ? `${minutes} min` : `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
