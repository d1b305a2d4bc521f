import type { TopLevelSpec } from "vega-lite";
import { fullWidth } from "../style/index.js";
import { type CurveHistory, smoothed } from "./curves.js";

const COLUMNS = 3;
const GAP = 48;
const LABELS = 34;

/**
 * The curves as small charts side by side: every step's value thin, its trailing mean thick, dev goals as dots.
 * @param steps length of the whole run, so that the axis shows how far it is
 */
export function curvesChart(
  history: CurveHistory,
  steps: number,
  unit: string,
  heading?: string,
): TopLevelSpec {
  const width = Math.floor((fullWidth - (COLUMNS - 1) * GAP - LABELS) / COLUMNS);
  const last = history.curves.length - COLUMNS;
  const panels = history.curves.map((curve, i) => {
    const x = {
      field: "step",
      type: "quantitative" as const,
      scale: { domain: [0, steps], nice: false },
      title: i >= last ? unit : null,
      axis: { grid: false, tickCount: 3, format: "d" },
    };
    const y = {
      field: "value",
      type: "quantitative" as const,
      scale: { zero: false },
      title: null,
      axis: { tickCount: 3, domain: false, ticks: false, format: ".3~g" },
    };
    const points = history.lines.get(curve.metric) ?? [];
    const colour = "#0072b2";
    return {
      width,
      height: 74,
      title: { text: curve.label, offset: 4, frame: "group" as const },
      layer: [
        {
          data: { values: points },
          mark: { type: "line" as const, strokeWidth: 0.8, opacity: 0.35, color: colour },
          encoding: { x, y },
        },
        {
          data: { values: smoothed(points) },
          mark: { type: "line" as const, strokeWidth: 1.8, color: colour },
          encoding: { x, y },
        },
        {
          data: { values: history.dots.get(curve.metric) ?? [] },
          mark: { type: "point" as const, size: 26, color: "#d55e00" },
          encoding: { x, y },
        },
      ],
    };
  });
  return {
    ...(heading === undefined ? {} : { title: { text: heading, offset: 10 } }),
    concat: panels,
    columns: COLUMNS,
    spacing: { row: 12, column: GAP },
    resolve: { scale: { x: "independent", y: "independent" } },
  } as TopLevelSpec;
}
