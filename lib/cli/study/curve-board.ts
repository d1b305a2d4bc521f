/** A training run in the terminal: curves that grow in place, and lines that stay above them. */
import { duration, timeLeft } from "../../base/index.js";
import { type Curve, CurveHistory, curvesText } from "../../results/index.js";
import { note } from "../common.js";

export interface CurveBoard {
  /** Tells a step's metrics, and the line that stands for it where lines cannot be rewritten. */
  step(step: number, metrics: Readonly<Record<string, number>>, line: string): void;
  /** Writes a line that stays. */
  say(text: string): void;
  /** Leaves the last state on the screen. */
  end(): void;
}

/**
 * On a terminal, a block of a few lines is drawn again at each step, with the time left; elsewhere (a log, a pipe) each step is a
 * line of its own.
 * @param steps length of the run
 */
export function curveBoard(curves: readonly Curve[], steps: number, unit = "iteration"): CurveBoard {
  const out = process.stderr;
  const live = out.isTTY === true;
  const history = new CurveHistory(curves);
  const began = performance.now();
  let first: number | undefined;
  let lines = 0;
  const wipe = (): void => {
    if (lines > 0) out.write(`\u001b[${lines}A\u001b[J`);
    lines = 0;
  };
  const draw = (left: number): void => {
    const block = [
      ...curvesText(history, out.columns || 80),
      `${unit} ${history.step} of ${steps}${history.step < steps ? `, ${duration(left)} left` : ""}`,
    ];
    out.write(block.map((line) => `${line.slice(0, (out.columns || 80) - 1)}\n`).join(""));
    lines = block.length;
  };
  let left = 0;
  if (live) {
    out.write(`${unit} 0 of ${steps}; the first will say how long it takes\n`);
    lines = 1;
  }
  return {
    step(step, metrics, line) {
      history.add(step, metrics);
      first ??= step;
      left = timeLeft((performance.now() - began) / 1000, step - first + 1, steps - step);
      if (!live) {
        note(`${line}  ${duration(left)} left`);
        return;
      }
      wipe();
      draw(left);
    },
    say(text) {
      wipe();
      note(text);
      if (live && history.step > 0) draw(left);
    },
    end() {
      lines = 0;
    },
  };
}
