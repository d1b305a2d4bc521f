import type { Figure, FigureKit, StudyData } from "../lib/study/index.js";
import { noticeSpec } from "./drawing.js";

const SWEEP = "marginals";

/** The ablation of group size G, marginals M and optimiser steps I: score and success of every combination. */
export const marginals: Figure = {
  name: "marginals",
  title:
    "Ablation of group size G, number of marginals M and optimiser steps I: score and success on the test goals with 95 % intervals",
  spec(data, kit) {
    const { style } = kit;
    const sweep = data.ablations.find(({ name }) => name === SWEEP);
    const rows = query(data, kit);
    if (!sweep || rows.every(({ score }) => score === null)) {
      const text = `No record of this ablation yet: ${sweep?.command ?? "configs/sweeps/marginals.json is missing"}`;
      return noticeSpec(style.fullWidth, text);
    }
    const labels = 130;
    const gap = 34;
    const width = Math.floor((style.fullWidth - labels - gap - 50) / 2);
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
      const colour = { field: "colour", type: "nominal" as const, scale: null };
      return {
        width,
        height: { step: 22 },
        title: { text: title, offset: 6, frame: "group" as const },
        data: { values: rows },
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
              fill: { field: "fill", type: "nominal" as const, scale: null },
              shape: { field: "shape", type: "nominal" as const, scale: null },
            },
          },
          {
            mark: { type: "text" as const, dx: 7, align: "left" as const, fontSize: 10.5 },
            encoding: {
              x: x(`${metric}_hi`),
              y,
              text: { field: `${metric}_text`, type: "nominal" as const },
            },
          },
        ],
      };
    };
    return {
      hconcat: [panel("score", "score"), panel("success", "success rate, %")],
      spacing: gap,
      bounds: "flush" as const,
    };
  },
};

/** One row a combination; the dashed line is where training began. */
function query({ ablations, results }: StudyData, { style, format }: FigureKit) {
  const start = results.find(({ agent }) => agent === "il")?.summary;
  const variants = ablations.find(({ name }) => name === SWEEP)?.variants ?? [];
  return variants.map(({ settings, summary }) => {
    const [g, m, i] = ["groups.size", "groups.perTask", "update.epochs"].map((path) =>
      Number(settings[path] ?? NaN),
    );
    const spread = (name: string, estimate?: { value: number; lo: number; hi: number }) => ({
      [name]: estimate?.value ?? null,
      [`${name}_lo`]: estimate?.lo ?? null,
      [`${name}_hi`]: estimate?.hi ?? null,
      [`${name}_text`]: estimate ? format.oneDecimal(estimate.value) : "",
    });
    return {
      label: `G ${g} · M ${m} · I ${i}${summary ? "" : " (none)"}`,
      colour: style.agentStyle("thesis").colour,
      fill: i === 1 ? "white" : style.agentStyle("thesis").colour,
      shape: m === 1 ? "circle" : "square",
      score_start: start?.score.value ?? null,
      success_start: start?.successRate.value ?? null,
      ...(spread("score", summary?.score) as { score: number | null }),
      ...spread("success", summary?.successRate),
    };
  });
}
