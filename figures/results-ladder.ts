import * as aq from "arquero";
import {
  agentStyle,
  asPrinted,
  byOrder,
  type Figure,
  fullWidth,
  oneDecimal,
  publishedColour,
  type StudyData,
} from "../lib/results/index.js";
import { asIs, labelledRows } from "./encodings.js";

/** The ladder: every agent's score and success rate with its interval, and beneath what others printed. */
export const resultsLadder: Figure = {
  name: "results-ladder",
  title:
    "Score and success rate of each agent on the test goals with 95 % intervals; beneath, numbers published on other data",
  spec(data) {
    const rows = (section: "ours" | "theirs") => query(data, section);
    const labels = 188;
    const gap = 34;
    const width = Math.floor((fullWidth - labels - gap - 30) / 2);
    const panel = (section: "ours" | "theirs", metric: "score" | "success", name: string) => {
      const values = rows(section);
      const first = metric === "score";
      const top = section === "ours";
      const y = labelledRows(values, labels, first);
      const x = (field: string) => ({
        field,
        type: "quantitative" as const,
        scale: { domain: [0, 100] },
        title: null,
        axis: {
          values: [0, 25, 50, 75, 100],
          labels: !top,
          labelFlush: false,
          domain: false,
          ticks: false,
        },
      });
      const colour = asIs("colour");
      return {
        width,
        height: { step: top ? 17 : 14 },
        title: first
          ? {
              text: top ? `Measured here: ${name}` : `Published on other data: ${name}`,
              frame: "bounds" as const,
              offset: 6,
            }
          : { text: name, offset: 6 },
        data: { values },
        layer: [
          {
            mark: { type: "rule" as const, strokeWidth: top ? 2.2 : 1.2 },
            encoding: { x: x(`${metric}_lo`), x2: { field: `${metric}_hi` }, y, color: colour },
          },
          {
            mark: top
              ? { type: "point" as const, filled: true, size: 38 }
              : {
                  type: "point" as const,
                  filled: false,
                  fill: "white",
                  shape: "diamond",
                  size: 26,
                  strokeWidth: 1.2,
                },
            encoding: {
              x: x(metric),
              y,
              color: colour,
              ...(top ? { shape: asIs("shape") } : {}),
            },
          },
          {
            mark: { type: "text" as const, dx: 7, align: "left" as const, fontSize: 10.5 },
            encoding: {
              x: x(`${metric}_end`),
              y,
              text: { field: `${metric}_text`, type: "nominal" as const },
            },
          },
        ],
      };
    };
    return {
      vconcat: (["ours", "theirs"] as const).map((section) => ({
        hconcat: [panel(section, "score", "score"), panel(section, "success", "success rate, %")],
        spacing: gap,
        bounds: "flush" as const,
      })),
      spacing: 10,
    };
  },
};

/** One row per line of the ladder: value, ends of the interval (or ± one standard deviation), label and colour. */
function query({ results, published }: StudyData, section: "ours" | "theirs") {
  if (section === "ours") {
    return byOrder(results, ({ agent }) => agent).map(({ agent, summary }) => {
      const { label, colour, shape } = agentStyle(agent);
      return {
        label: summary ? label : `${label} (no record)`,
        colour,
        shape,
        ...withInterval("score", oneDecimal, summary?.score),
        ...withInterval("success", oneDecimal, summary?.successRate),
      };
    });
  }
  return (
    (
      aq
        // every row has every column: arquero takes the columns from the first one
        .from(
          published.results.map((row) => ({
            row,
            score: row.score,
            mark: published.protocols[row.protocol]!.mark,
          })),
        )
        .orderby("mark", "score")
        .objects() as { row: StudyData["published"]["results"][number] }[]
    ).map(({ row: r }) => {
      const around = (value: number, sd = 0) => ({ value, lo: value - sd, hi: value + sd });
      const model = r.model.startsWith("Qwen") ? `, ${r.model.replace("Qwen2.5-", "")}` : "";
      return {
        label: `${r.sourceText}: ${r.system}${model}`,
        colour: publishedColour,
        ...withInterval("score", asPrinted, around(r.score, r.sd?.score)),
        ...withInterval("success", asPrinted, around(r.success, r.sd?.success)),
      };
    })
  );
}

function withInterval(
  name: string,
  write: (x: number) => string,
  estimate?: { value: number; lo: number; hi: number } | null,
) {
  const { value, lo, hi } = estimate ?? { value: null, lo: null, hi: null };
  return {
    [name]: value,
    [`${name}_lo`]: lo,
    [`${name}_hi`]: hi,
    [`${name}_end`]: hi,
    [`${name}_text`]: value === null ? "" : write(value),
  };
}
