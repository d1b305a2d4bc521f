import {
  agentStyle,
  byOrder,
  drawnAlone,
  type Figure,
  fullWidth,
  type StudyData,
} from "../lib/results/index.js";

/** Where episodes fail: what is left of all of them after each demand of the goal, in the order in which it is met. */
export const episodeFlow: Figure = {
  name: "episode-flow",
  title:
    "Where episodes fail: share of episodes that bought something, of the right type, with all attributes, all options and a price that fits",
  spec(data) {
    const agents = query(data);
    const perRow = 4;
    const gap = 18;
    const width = Math.floor((fullWidth - gap * (perRow - 1) - 52) / perRow);
    const rows = Array.from({ length: Math.ceil(agents.length / perRow) }, (_, i) =>
      agents.slice(i * perRow, (i + 1) * perRow),
    );
    const panel = (
      { label, colour, stages }: ReturnType<typeof query>[number],
      first: boolean,
      bottom: boolean,
    ) => {
      const x = {
        field: "at",
        type: "quantitative" as const,
        scale: { domain: [0, STAGES.length], nice: false },
        title: null,
        axis: bottom
          ? {
              values: STAGES.map((_, i) => i + 0.5),
              labelExpr: `[${STAGES.map((name) => `'${name}'`).join()}][floor(datum.value)]`,
              labelAngle: -50,
              labelAlign: "right" as const,
              labelBaseline: "middle" as const,
              labelOverlap: false,
              labelFontSize: 10.5,
              ticks: false,
              grid: false,
              domain: false,
            }
          : null,
      };
      const y = (field: string) => ({
        field,
        type: "quantitative" as const,
        scale: { domain: [0, 114], nice: false },
        title: null,
        axis: { values: [0, 50, 100], labels: first, domain: false, ticks: false, minExtent: first ? 24 : 0 },
      });
      // each stage is a plateau, with a slope to the next
      const ribbon = stages.flatMap(({ left }, i) => [
        { at: i + 0.08, left },
        { at: i + 0.92, left },
      ]);
      return {
        width,
        height: 104,
        title: { text: label, offset: 4, frame: "group" as const, limit: width },
        layer: [
          {
            data: { values: ribbon },
            mark: { type: "area" as const, interpolate: "monotone" as const, color: colour, opacity: 0.35 },
            encoding: { x, y: y("left") },
          },
          {
            data: { values: ribbon },
            mark: { type: "line" as const, interpolate: "monotone" as const, color: colour },
            encoding: { x, y: y("left") },
          },
          {
            data: {
              values: stages.map(({ left }, i) => ({ at: i + 0.5, left, text: String(Math.round(left)) })),
            },
            mark: { type: "text" as const, dy: -8, fontSize: 10.5 },
            encoding: { x, y: y("left"), text: { field: "text", type: "nominal" as const } },
          },
        ],
      };
    };
    return {
      vconcat: rows.map((row, r) => ({
        hconcat: row.map((agent, i) =>
          panel(agent, i === 0, r === rows.length - 1 || r * perRow + i + perRow >= agents.length),
        ),
        spacing: gap,
        bounds: "flush" as const,
      })),
      spacing: 14,
    };
  },
};

const STAGES = ["bought", "type", "attributes", "options", "price"] as const;

/** For each agent the fraction of all episodes, in per cent, that is left after each stage; an agent without a record has none. */
function query({ results }: StudyData) {
  return byOrder(results, ({ agent }) => agent)
    .filter(({ agent }) => drawnAlone.has(agent))
    .map(({ agent, record }) => {
      const { label, colour } = agentStyle(agent);
      if (!record) return { label: `${label} (no record)`, colour, stages: [] };
      let alive = record.results.filter(({ bought }) => bought);
      const whole = record.results.length;
      const stages = STAGES.map((stage) => {
        if (stage === "type") alive = alive.filter(({ rType }) => rType === 1);
        if (stage === "attributes") alive = alive.filter(({ rAtt }) => rAtt === 1);
        if (stage === "options") alive = alive.filter(({ rOption }) => rOption === null || rOption === 1);
        if (stage === "price") alive = alive.filter(({ rPrice }) => rPrice === 1);
        return { stage, left: (100 * alive.length) / whole };
      });
      return { label, colour, stages };
    });
}
