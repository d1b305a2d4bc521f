import { duration, timeLeft } from "../../base/index.js";
import type { LiveDisplay } from "../../notebook/index.js";
import { renderChart } from "../figures/render.js";
import { curvesChart } from "./chart.js";
import { type Curve, CurveHistory } from "./curves.js";

/** A chart of a run that grows while it trains. */
export interface LiveCurves {
  /** Adds the metrics of a step. The chart is drawn anew when the last drawing is old enough. */
  add(step: number, metrics: Readonly<Record<string, number>>): void;
  /** Draws the whole run, without times: what a notebook keeps. */
  end(): Promise<void>;
}

export interface LiveCurvesOptions {
  readonly curves: readonly Curve[];
  /** Length of the run. */
  readonly steps: number;
  /** The name of a step. Default "iteration". */
  readonly unit?: string;
  /** Milliseconds between drawings: drawing takes time from training. Default 2000. */
  readonly every?: number;
  /** Where it is drawn. Default: a place of its own in the notebook's output. */
  readonly place?: LiveDisplay;
}

/**
 * Shows a run in a notebook while it trains, in one place of the output that is replaced as it goes on; the time left
 * stands above. `end` leaves the curves alone, so that what is saved depends on the run and not on the machine:
 *
 * ```ts
 * const chart = liveCurves("training", { curves: rlCurves, steps: config.iterations });
 * await runGrpo({ …, onIteration: ({ iteration, metrics }) => chart.add(iteration, metrics) });
 * await chart.end();
 * ```
 *
 * Outside of a notebook nothing is drawn.
 * @param name the only one of its kind in the notebook
 */
export function liveCurves(name: string, options: LiveCurvesOptions): LiveCurves {
  const { curves, steps, unit = "iteration", every = 2000 } = options;
  const history = new CurveHistory(curves);
  let { place } = options;
  const began = performance.now();
  let first: number | undefined;
  let drawn = -Infinity;
  let drawing: Promise<void> | null = null;

  const draw = async (heading?: string): Promise<void> => {
    const svg = await renderChart(curvesChart(history, steps, unit, heading));
    // Loaded only now: it brings the kernel's messaging with it, which nothing else here needs.
    place ??= (await import("../../notebook/index.js")).liveDisplay(name);
    place.show({ "image/svg+xml": svg, "text/plain": `training curves of ${history.step} ${unit}s` });
  };
  return {
    add(step, metrics) {
      history.add(step, metrics);
      first ??= step;
      const now = performance.now();
      if (drawing || now - drawn < every || step === 0) return;
      drawn = now;
      const left = timeLeft((now - began) / 1000, step - first + 1, steps - step);
      const heading = `${unit} ${step} of ${steps}, ${duration(left)} left`;
      // Training goes on meanwhile; a drawing that fails must not end it: the last one will say why.
      drawing = draw(heading)
        .catch(() => undefined)
        .finally(() => (drawing = null));
    },
    async end() {
      await drawing;
      await draw();
    },
  };
}
