import { type Figure, fullWidth, oneDecimal, type StudyData } from "../lib/results/index.js";
import { mean } from "../lib/stats/index.js";
import { noticeSpec } from "./drawing.js";
import { asIs } from "./encodings.js";

type Ablation = StudyData["ablations"][number];
type Variant = Ablation["variants"][number];

/** How a variant's row is named and drawn. */
export type Look = Pick<AblationRow, "label" | "colour" | "fill" | "shape">;

/** The figure of a sweep: a row a variant, or a sentence with the command that makes its records while there are none. */
export function ablationFigure(
  sweepName: string,
  title: string,
  look: (variant: Variant, place: number) => Look,
): Figure {
  return {
    name: sweepName,
    title,
    spec(data) {
      const sweep = data.ablations.find(({ name }) => name === sweepName);
      const start = sweep && startOn(sweep, data);
      const rows = (sweep?.variants ?? []).map((variant, place) =>
        ablationRow(variant, look(variant, place), start),
      );
      if (sweep && rows.some(({ score }) => score !== null)) return ablationPanels(rows);
      const text = `No record of this ablation yet: ${sweep?.command ?? `configs/sweeps/${sweepName}.json is missing`}`;
      return noticeSpec(fullWidth, text);
    },
  };
}

/** Mean score and success, in per cent. */
interface Start {
  readonly score: number;
  readonly success: number;
}

/**
 * The scores of the imitation model that training began from, on the very goals that a sweep's records hold: a sweep may play fewer than
 * the main table, and those are harder or easier than all. Undefined without records.
 */
function startOn({ variants }: Ablation, { results }: StudyData): Start | undefined {
  const goals = new Set(
    variants.flatMap(({ records }) => records.flatMap((one) => one.results.map(({ goal }) => goal))),
  );
  const start = results.find(({ agent }) => agent === "il")?.record?.results ?? [];
  const played = start.filter(({ goal }) => goals.has(goal));
  if (played.length === 0) return undefined;
  return {
    score: 100 * mean(played.map(({ reward }) => reward)),
    success: 100 * mean(played.map(({ reward }) => (reward === 1 ? 1 : 0))),
  };
}

/** One variant's row: its label and how its point looks; score and success with their intervals, null without records. */
interface AblationRow {
  readonly label: string;
  readonly colour: string;
  readonly fill: string;
  readonly shape: "circle" | "square";
  /** The comparison line of both panels. */
  readonly score_start: number | null;
  readonly success_start: number | null;
  readonly score: number | null;
  readonly [estimate: string]: number | string | null;
}

/** A variant's row. `start` is where the dashed lines stand. */
function ablationRow({ summary }: Variant, look: Look, start: Start | undefined): AblationRow {
  const withInterval = (name: string, estimate?: { value: number; lo: number; hi: number }) => ({
    [`${name}_lo`]: estimate?.lo ?? null,
    [`${name}_hi`]: estimate?.hi ?? null,
    [`${name}_text`]: estimate ? oneDecimal(estimate.value) : "",
  });
  return {
    ...look,
    label: `${look.label}${summary ? "" : " (none)"}`,
    score_start: start?.score ?? null,
    success_start: start?.success ?? null,
    score: summary?.score.value ?? null,
    success: summary?.successRate.value ?? null,
    ...withInterval("score", summary?.score),
    ...withInterval("success", summary?.successRate),
  };
}

/** Score and success of every row side by side, with intervals and a dashed line to compare with. */
function ablationPanels(rows: readonly AblationRow[], labels = 130) {
  const gap = 34;
  const width = Math.floor((fullWidth - labels - gap - 50) / 2);
  const panel = (metric: "score" | "success", title: string) => {
    const y = {
      field: "label",
      type: "nominal" as const,
      scale: { domain: rows.map(({ label }) => label) },
      title: null,
      axis:
        metric === "score"
          ? { minExtent: labels, maxExtent: labels, labelLimit: labels, ticks: false, domain: false }
          : null,
    };
    const x = (field: string) => ({
      field,
      type: "quantitative" as const,
      scale: { zero: false, padding: 14 },
      title: null,
      axis: { domain: false, ticks: false, tickCount: 5, labelFlush: false },
    });
    const start = { field: `${metric}_start`, type: "quantitative" as const };
    const colour = asIs("colour");
    return {
      width,
      height: { step: 22 },
      title: { text: title, offset: 6, frame: "group" as const },
      data: { values: [...rows] },
      layer: [
        {
          mark: { type: "rule" as const, strokeDash: [3, 3], strokeWidth: 1, color: "#8a8a8a" },
          encoding: { x: start },
        },
        {
          mark: { type: "rule" as const },
          encoding: { x: x(`${metric}_lo`), x2: { field: `${metric}_hi` }, y, color: colour },
        },
        {
          mark: { type: "point" as const, filled: false, opacity: 1, size: 40, strokeWidth: 1.6 },
          encoding: {
            x: x(metric),
            y,
            stroke: colour,
            fill: asIs("fill"),
            shape: asIs("shape"),
          },
        },
        // The white edge keeps a number readable where the dashed line runs through it.
        ...[{ stroke: "white", strokeWidth: 3 }, {}].map((edge) => ({
          mark: { type: "text" as const, dx: 7, align: "left" as const, fontSize: 10.5, ...edge },
          encoding: {
            x: x(`${metric}_hi`),
            y,
            text: { field: `${metric}_text`, type: "nominal" as const },
          },
        })),
      ],
    };
  };
  return {
    hconcat: [panel("score", "score"), panel("success", "success rate, %")],
    spacing: gap,
    bounds: "flush" as const,
  };
}
