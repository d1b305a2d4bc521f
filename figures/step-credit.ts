import {
  agentStyle,
  byOrder,
  type Figure,
  fullWidth,
  hasStepCredit,
  isKnownAgent,
  labelHeights,
  type StudyData,
} from "../lib/results/index.js";
import { curveBand } from "../lib/stats/index.js";
import { noticeSpec } from "./drawing.js";
import { bandsAndLines, endLabels } from "./encodings.js";

/** The content of each panel: a metric of the training records. */
const PANELS = [
  ["anchor/mean_size", ["mean number of steps", "that share a page"]],
  ["anchor/frac_singleton", ["share of steps", "alone on their page"]],
  ["share", ["step level's share", "of the advantage"]],
] as const;

/** Anchor groups while training: how large they are, how many turns are alone, and how much of the advantage is step credit. */
export const stepCredit: Figure = {
  name: "step-credit",
  title:
    "Anchor groups during training: mean number of steps that share a page, share of steps alone on theirs, and the step level's share of the advantage",
  spec(data) {
    const rows = query(data);
    if (rows.length === 0) {
      const text =
        "No training record with anchor groups yet: npx aisle train configs/gigpo.json, then npx aisle record.";
      return noticeSpec(fullWidth, text);
    }
    const shown = PANELS.filter(([metric]) => rows.some((row) => row.metric === metric));
    const gap = 30;
    const width = Math.floor((fullWidth - gap * (shown.length - 1) - 40 * shown.length - 110) / shown.length);
    return {
      hconcat: shown.map(([metric, title], index) => {
        const values = rows.filter((row) => row.metric === metric);
        const x = {
          field: "iteration",
          type: "quantitative" as const,
          title: "iteration",
          axis: { grid: false, tickCount: 4 },
          scale: { nice: false },
        };
        const y = (field: string) => ({
          field,
          type: "quantitative" as const,
          title: null,
          scale: { zero: true, nice: false },
          axis: { domain: false, ticks: false, tickCount: 4 },
        });
        return {
          width,
          height: 130,
          title: { text: [...title], offset: 6, frame: "group" as const, fontSize: 12 },
          data: { values },
          layer: [
            ...bandsAndLines(x, y, 0.16, {}),
            ...(index === shown.length - 1 ? [labelsOf(values, y)] : []),
          ],
        };
      }),
      spacing: gap + 26, // with the numbers of the next panel's axis
      bounds: "flush" as const,
    };
  },
};

/** The families' names beside the ends of their lines in a panel. */
function labelsOf(
  rows: ReturnType<typeof query>,
  y: (field: string) => { field: string; type: "quantitative" },
) {
  const ends = [...new Set(rows.map(({ name }) => name))].map((name) =>
    rows.filter((row) => row.name === name).at(-1)!,
  );
  const heights = labelHeights(ends, Math.max(...rows.map(({ hi }) => hi)) / 9);
  return endLabels(
    ends.map((end) => ({ ...end, height: heights.get(end.name)! })),
    { field: "iteration", type: "quantitative" },
    y,
  );
}

/** A band over seeds for each family whose advantage has a step level. */
function query({ training }: StudyData) {
  const names = [...new Set(training.map(({ record }) => record.identity.name))].filter(isKnownAgent);
  return byOrder(names, (name) => name).flatMap((name) => {
    const runs = training.filter(
      ({ record, metrics }) => record.identity.name === name && hasStepCredit(metrics),
    );
    if (runs.length === 0) return [];
    const { label, colour, ink, dash } = agentStyle(name);
    return PANELS.flatMap(([metric]) => {
      const curves = runs.map(({ metrics }) =>
        metrics.flatMap((m) => {
          const value = metric === "share" ? shareOf(m) : m[metric];
          return value === undefined ? [] : [{ step: m["iteration"]!, value }];
        }),
      );
      return curveBand(curves).map(({ step, value, lo, hi }) => ({
        name,
        label,
        colour,
        ink,
        dash,
        metric,
        iteration: step,
        value,
        lo,
        hi,
      }));
    });
  });
}

/** The step level's part of the mean absolute advantage, in [0, 1]. */
function shareOf(m: Readonly<Record<string, number>>): number | undefined {
  const [step, episode] = [m["adv_step/abs_mean"], m["adv_episode/abs_mean"]];
  return step === undefined || episode === undefined || step + episode === 0
    ? undefined
    : step / (step + episode);
}
