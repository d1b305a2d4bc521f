import {
  agentStyle,
  byOrder,
  type Figure,
  fullWidth,
  isKnownAgent,
  labelHeights,
  type StudyData,
} from "../lib/results/index.js";
import { curveBand } from "../lib/stats/index.js";
import { noticeSpec } from "./drawing.js";
import { bandsAndLines, endLabels } from "./encodings.js";

/** How training went: return of the roll-outs and score on dev goals against the number of roll-outs, a line an algorithm. */
export const learningCurves: Figure = {
  name: "learning-curves",
  title:
    "Learning curves from the training records: mean return of the sampled roll-outs and score on dev goals, with bands over seeds",
  spec(data) {
    const protocols = query(data);
    if (protocols.length === 0) {
      const text = "No training record yet: npx aisle train configs/grpo.json, then npx aisle record.";
      return noticeSpec(fullWidth, text);
    }
    const gap = 40;
    const height = protocols.length > 2 ? 104 : 140; // all of them on one page
    const labels = 132;
    const width = Math.floor((fullWidth - gap - labels - 62) / 2);
    const panel = (rows: readonly Row[], metric: Row["metric"], title: string, bottom: boolean) => {
      const own = rows.filter((row) => row.metric === metric);
      const x = {
        field: "rollouts",
        type: "quantitative" as const,
        title: bottom ? "thousands of roll-outs" : null,
        axis: { grid: false, tickCount: 5 },
        scale: { nice: false },
      };
      const y = (field: string) => ({
        field,
        type: "quantitative" as const,
        title: null,
        scale: { zero: false, nice: false },
        axis: { domain: false, ticks: false, tickCount: 5 },
      });
      const ends = metric === "dev" ? endsOf(own, height) : [];
      return {
        width,
        height,
        title: { text: title, offset: 6, frame: "group" as const },
        layer: [...bandsAndLines(x, y, 0.1, { data: { values: own } }), endLabels(ends, x, y)].filter(
          (layer) => layer.data.values.length > 0,
        ),
      };
    };
    return {
      vconcat: protocols.map(({ protocol, rows }, i) => {
        const bottom = i === protocols.length - 1;
        return {
          hconcat: [
            panel(rows, "return", `${protocol}: mean return of roll-outs`, bottom),
            panel(rows, "dev", "score on dev goals", bottom),
          ],
          spacing: gap + 24, // with the numbers of the right panel's axis
          bounds: "flush" as const,
        };
      }),
      spacing: 12,
    };
  },
};

interface Row {
  readonly name: string;
  readonly label: string;
  readonly colour: string;
  readonly ink: string;
  readonly dash: readonly number[];
  readonly metric: "return" | "dev";
  readonly rollouts: number;
  readonly value: number;
  readonly lo: number;
  readonly hi: number;
}

/** Most lines in a panel: with more of them, their bands hide each other. */
const MOST = 4;

/** Iterations that a point of the return stands for: a batch of a dozen goals says little alone. */
const WINDOW = 5;

/** Rows for each protocol that was trained: a band over seeds for each family and metric. */
function query({ training }: StudyData): { protocol: string; rows: Row[] }[] {
  const families = new Map<string, StudyData["training"]>();
  for (const one of training) {
    const { name } = one.record.identity;
    if (isKnownAgent(name)) families.set(name, [...(families.get(name) ?? []), one]);
  }
  const protocols = new Map<string, Row[]>();
  for (const name of byOrder([...families.keys()], (one) => one)) {
    const runs = families.get(name)!;
    const { config } = runs[0]!.record.identity;
    const protocol = config["multiTurn"] ? "multi-turn" : "two-decision";
    const rows = protocols.get(protocol) ?? [];
    const played = playedBy(runs);
    const { label, colour, ink, dash } = agentStyle(name);
    const seeds = runs.length === 1 ? `${label} (1 seed)` : label;
    const band = (
      metric: Row["metric"],
      curves: readonly (readonly { step: number; value: number }[])[],
    ): Row[] =>
      curveBand(curves).map(({ step, value, lo, hi }) => ({
        name,
        label: seeds,
        colour,
        ink,
        dash,
        metric,
        rollouts: played(step) / 1000,
        value,
        lo,
        hi,
      }));
    rows.push(
      ...band(
        "return",
        runs.map(({ metrics }) => windows(metrics)),
      ),
      ...band(
        "dev",
        runs.map(({ metrics }) =>
          metrics.flatMap((m) =>
            "dev/score" in m ? [{ step: m["iteration"]!, value: m["dev/score"]! }] : [],
          ),
        ),
      ),
    );
    protocols.set(protocol, rows);
  }
  return [...protocols].flatMap(([protocol, rows]) => {
    const names = [...new Set(rows.map((row) => row.name))];
    const panels = Math.ceil(names.length / MOST);
    return Array.from({ length: panels }, (_, i) => {
      const own = names.slice(
        Math.round((i * names.length) / panels),
        Math.round(((i + 1) * names.length) / panels),
      );
      return { protocol, rows: rows.filter(({ name }) => own.includes(name)) };
    });
  });
}

/**
 * Episodes that had been played after an iteration, mean over seeds. Dynamic sampling plays more than it learns from, so the runs'
 * own count goes before the configuration's; runs of before it was kept never drew twice.
 */
function playedBy(runs: StudyData["training"]): (iteration: number) => number {
  const sums = new Map<number, number>();
  for (const { record, metrics } of runs) {
    const planned = rolloutsOf(record.identity.config);
    let sum = 0;
    for (const m of metrics) {
      if (m["iteration"]! > 0) sum += m["rollouts"] ?? planned;
      sums.set(m["iteration"]!, (sums.get(m["iteration"]!) ?? 0) + sum / runs.length);
    }
  }
  return (iteration) => sums.get(iteration)!;
}

/** Episodes that one iteration learns from. */
function rolloutsOf(config: Readonly<Record<string, unknown>>): number {
  const learner = (config["learner"] ?? config) as { groups?: Record<string, number> };
  const { tasks = 1, perTask = 1, size = 1 } = learner.groups ?? {};
  return tasks * perTask * size;
}

/** Means over windows of iterations, each at its last. */
function windows(metrics: readonly Readonly<Record<string, number>>[]): { step: number; value: number }[] {
  const own = metrics.filter((m) => "return/mean" in m);
  const points: { step: number; value: number }[] = [];
  for (let end = WINDOW; end <= own.length; end += WINDOW) {
    const part = own.slice(end - WINDOW, end);
    const value = part.reduce((sum, m) => sum + m["return/mean"]!, 0) / WINDOW;
    points.push({ step: part[WINDOW - 1]!["iteration"]!, value });
  }
  return points;
}

/** Where the lines end, with the heights of their labels. */
function endsOf(rows: readonly Row[], height: number): (Row & { height: number })[] {
  const names = [...new Set(rows.map((row) => row.name))];
  const ends = names.map((name) => rows.filter((row) => row.name === name).at(-1)!);
  const values = rows.flatMap(({ lo, hi }) => [lo, hi]);
  const heights = labelHeights(ends, (13 * (Math.max(...values) - Math.min(...values))) / height);
  return ends.map((end) => ({ ...end, height: heights.get(end.name)! }));
}
