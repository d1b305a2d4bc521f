import * as aq from "arquero";
import {
  agentStyle,
  drawnAlone,
  type Figure,
  fullWidth,
  labelHeights,
  type StudyData,
} from "../lib/results/index.js";
import { bootstrapTwoLevel } from "../lib/stats/index.js";
import { asIs } from "./encodings.js";

/** Success against how much an instruction asks for: attributes and options together. */
export const successByDifficulty: Figure = {
  name: "success-by-difficulty",
  title:
    "Score and success rate by the number of attributes and options that an instruction asks for, with 95 % intervals",
  spec(data) {
    const rows = query(data);
    const labels = 84;
    const gap = 44;
    const width = Math.floor((fullWidth - labels - gap - 56) / 2);
    const last = Math.max(...rows.map((row) => row.order));
    const panel = (metric: "score" | "success", name: string) => {
      const x = {
        field: "asked",
        type: "ordinal" as const,
        sort: { field: "order" },
        title: "attributes and options asked for",
        axis: { labelAngle: 0, grid: false },
      };
      const y = (field: string) => ({
        field,
        type: "quantitative" as const,
        scale: { domain: [0, 100] },
        title: null,
        axis: { values: [0, 25, 50, 75, 100], domain: false, ticks: false },
      });
      const colour = asIs("colour");
      return {
        width,
        height: 190,
        title: { text: name, offset: 6, frame: "group" as const },
        data: { values: rows.filter((row) => row.metric === metric) },
        layer: [
          {
            mark: { type: "area" as const, opacity: 0.16 },
            encoding: { x, y: y("lo"), y2: { field: "hi" }, color: colour, detail: { field: "agent" } },
          },
          {
            mark: { type: "line" as const },
            encoding: {
              x,
              y: y("value"),
              color: colour,
              detail: { field: "agent" },
              strokeDash: asIs("dash"),
            },
          },
          {
            mark: { type: "point" as const, filled: true, size: 46 },
            encoding: {
              x,
              y: y("value"),
              color: colour,
              shape: asIs("shape"),
            },
          },
          ...(metric === "success"
            ? [
                {
                  transform: [{ filter: `datum.order === ${last}` }],
                  mark: { type: "text" as const, align: "left" as const, dx: 9 },
                  encoding: {
                    x,
                    y: y("label_y"),
                    color: asIs("ink"),
                    text: { field: "label", type: "nominal" as const },
                  },
                },
              ]
            : []),
        ],
      };
    };
    return { hconcat: [panel("score", "score"), panel("success", "success rate, %")], spacing: gap };
  },
};

/** Fewest goals that a point may stand for: rarer demands are put together with the last bin that has as many. */
const fewest = 20;

/** One row per agent, metric and bin of demands. */
function query({ results: all }: StudyData) {
  const results = all.filter(({ agent }) => drawnAlone.has(agent));
  const episodes = aq.from(
    results.flatMap(({ agent, record }) =>
      (record?.results ?? []).map((r) => ({
        agent,
        goal: r.goal,
        asked: r.attributes + r.options,
        reward: r.reward,
      })),
    ),
  );
  const demands = episodes.dedupe("goal").groupby("asked").count().orderby("asked").objects() as {
    asked: number;
    count: number;
  }[];
  const bins = binsOf(demands);
  const rows = results.flatMap(({ agent, record }) => {
    if (!record) return [];
    const { label, colour, ink, dash, shape } = agentStyle(agent);
    return bins.flatMap(({ name, from, to }, order) => {
      const inBin = record.results.filter(
        (r) => r.attributes + r.options >= from && r.attributes + r.options <= to,
      );
      const bySeed = record.identity.seeds.map((seed) => inBin.filter((r) => r.seed === seed));
      const [score, success] = bootstrapTwoLevel(
        [
          bySeed.map((of) => of.map((r) => 100 * r.reward)),
          bySeed.map((of) => of.map((r) => (r.reward === 1 ? 100 : 0))),
        ],
        { resamples: 4000 },
      );
      const row = { agent, label, colour, ink, dash, shape, asked: name, order };
      return [
        { ...row, metric: "score", ...score! },
        { ...row, metric: "success", ...success! },
      ];
    });
  });
  const ends = rows.filter((row) => row.metric === "success" && row.order === bins.length - 1);
  const heights = labelHeights(
    ends.map(({ agent, value }) => ({ name: agent, value })),
    7.5, // one line of text on this scale
    0,
  );
  return rows.map((row) => ({ ...row, label_y: heights.get(row.agent) ?? row.value }));
}

/** Bins of one demand each, the rare ones at either end put together until every bin has enough goals. */
function binsOf(
  demands: readonly { asked: number; count: number }[],
): { name: string; from: number; to: number }[] {
  const bins: { from: number; to: number; count: number }[] = [];
  for (const { asked, count } of demands) {
    const last = bins[bins.length - 1];
    if (last && last.count < fewest) Object.assign(last, { to: asked, count: last.count + count });
    else bins.push({ from: asked, to: asked, count });
  }
  const tail = bins[bins.length - 1];
  const before = bins[bins.length - 2];
  if (tail && before && tail.count < fewest) {
    before.to = tail.to;
    bins.pop();
  }
  return bins.map(({ from, to }) => ({ name: from === to ? String(from) : `${from}–${to}`, from, to }));
}
