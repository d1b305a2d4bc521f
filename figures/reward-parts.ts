import { agentStyle, byOrder, type Figure, fullWidth, type StudyData } from "../lib/results/index.js";
import { asIs, labelledRows } from "./encodings.js";

const parts = [
  ["rType", "Type"],
  ["rAtt", "Attributes"],
  ["rOption", "Options"],
  ["rPrice", "Price"],
] as const;

/** The parts of the reward, agent by agent: where points are lost. */
export const rewardParts: Figure = {
  name: "reward-parts",
  title: "Mean of each part of the reward by agent, with 95 % intervals: type, attributes, options and price",
  spec({ results }) {
    const labels = 152;
    const gap = 16;
    const width = Math.floor((fullWidth - labels - 3 * gap - 24) / 4);
    return {
      hconcat: parts.map(([part, title], index) => {
        const values = query(results, part);
        const y = labelledRows(values, labels, index === 0);
        const x = (field: string) => ({
          field,
          type: "quantitative" as const,
          scale: { domain: [0, 1] },
          title: null,
          axis: {
            values: [0, 0.5, 1],
            labelExpr: "datum.value === 0.5 ? '0.5' : format(datum.value, 'd')",
            labelFlush: false,
            domain: false,
            ticks: false,
          },
        });
        const colour = asIs("colour");
        return {
          width,
          height: { step: 25 },
          title: { text: title, offset: 6, frame: "group" as const },
          data: { values },
          layer: [
            {
              mark: { type: "rule" as const, strokeWidth: 1.6 },
              encoding: { x: x("lo"), x2: { field: "hi" }, y, color: colour },
            },
            {
              mark: { type: "point" as const, filled: true, size: 26 },
              encoding: {
                x: x("value"),
                y,
                color: colour,
                shape: asIs("shape"),
              },
            },
            {
              mark: { type: "text" as const, dy: -9, fontSize: 10.5 },
              encoding: { x: x("value"), y, text: { field: "text", type: "nominal" as const } },
            },
          ],
        };
      }),
      spacing: gap,
      bounds: "flush" as const,
    };
  },
};

function query(results: StudyData["results"], part: (typeof parts)[number][0]) {
  return byOrder(results, ({ agent }) => agent).map(({ agent, summary }) => {
    const { label, colour, shape } = agentStyle(agent);
    const { value, lo, hi } = summary?.parts[part] ?? { value: null, lo: null, hi: null };
    return {
      label: summary ? label : `${label} (none)`,
      colour,
      shape,
      value,
      lo,
      hi,
      text: value?.toFixed(2) ?? "",
    };
  });
}
