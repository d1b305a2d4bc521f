import { SingleBar } from "cli-progress";
import type { NotebookEstimate, RunProgress } from "../../notebook/index.js";
import { duration } from "../progress.js";

/** Shows on stderr how far a row of notebooks is. */
export interface NotebookReporter {
  begin(notebook: NotebookEstimate): void;
  progress(progress: RunProgress): void;
  done(seconds: number): void;
  end(): void;
}

/** A live bar over all cells with the time left on a terminal; elsewhere a line when a notebook starts and ends. */
export function notebookReporter(notebooks: readonly NotebookEstimate[]): NotebookReporter {
  const total = notebooks.reduce((sum, one) => sum + one.cells, 0);
  let bar: SingleBar | undefined;
  let before = 0;
  let current = -1;
  /** Of the notebooks after the current one. */
  let later = notebooks.reduce((sum, one) => sum + one.seconds, 0);
  const position = (): string => `${current + 1}/${notebooks.length}`;
  if (process.stderr.isTTY && total > 0) {
    bar = new SingleBar({
      format: "{bar} {value}/{total} cells  {notebook}  {left}",
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      stream: process.stderr,
    });
    bar.start(total, 0, { notebook: "", left: "" });
  }
  return {
    begin(notebook) {
      current++;
      later -= notebook.seconds;
      bar?.update(before, { notebook: notebook.file, left: "" });
      if (!bar)
        process.stderr.write(
          `[${position()}] ${notebook.file}: ${notebook.cells} cells, about ${duration(notebook.seconds)}\n`,
        );
    },
    progress({ cell, secondsLeft }) {
      const left =
        secondsLeft === undefined ? "" : `about ${duration(secondsLeft + Math.max(0, later))} left`;
      bar?.update(before + cell - 1, { left });
    },
    done(seconds) {
      const notebook = notebooks[current]!;
      before += notebook.cells;
      bar?.update(before);
      if (!bar) process.stderr.write(`[${position()}] ${notebook.file}: done in ${duration(seconds)}\n`);
    },
    end() {
      bar?.stop();
      bar = undefined;
    },
  };
}
