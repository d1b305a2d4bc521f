/** Tables of the method chapter. Nothing in them is typed: they are read from the records of runs and from the code that runs. */
import * as aq from "arquero";
import { type Group, gigpo } from "../../grpo/index.js";
import { resolvedGrpoRun } from "../../runs/index.js";
import type { TrainingCurve } from "../figures/types.js";
import { agentStyle } from "../ladder.js";
import type { ColumnFormat, TableDocument, TableRow } from "./document.js";
import { familiesOf } from "./training-tables.js";

const column = (title: string, field: string, align: "left" | "right" = "left"): ColumnFormat => ({
  title,
  align,
  text: (row: TableRow) => String(row[field]),
});

/**
 * Algorithms as rows of one table: what their recorded runs were told, resolved, not what a preset would say. A method without
 * a training record has a row that says so.
 */
export function algorithmsTable(training: readonly TrainingCurve[]): TableDocument {
  const rows = familiesOf(training).map((family) => {
    const runs = training.filter(({ record }) => record.identity.name === family);
    const told = runs.map(({ record }) => settingsOf(record));
    const cells = Object.fromEntries(
      FIELDS.map((field) => [field, [...new Set(told.map((one) => one[field]))].join("; ") || "–"]),
    );
    if (told.length === 0) cells["baseline"] = "no record";
    return { name: agentStyle(family).label, ...cells };
  });
  return {
    name: "algorithms",
    sections: [
      {
        heading: "",
        table: aq.from(rows),
        columns: [
          column("Algorithm", "name"),
          column("Baseline", "baseline"),
          column("Scale", "scale"),
          column("Ratio", "ratio"),
          column("Clip", "clip"),
          column("Aggregation", "aggregation"),
          column("KL", "kl"),
          column("Steps", "steps", "right"),
        ],
      },
    ],
    notes: [],
  };
}

const FIELDS = ["baseline", "scale", "ratio", "clip", "aggregation", "kl", "steps"] as const;

/** The averaged quantity, in few words. */
const AGGREGATION: Readonly<Record<string, string>> = {
  "token-mean": "tokens",
  "seq-mean-token-mean": "answers",
  "seq-mean-token-sum": "answers, summed",
  "rollout-mean-token-mean": "trajectories",
};

const BASELINE: Readonly<Record<string, string>> = {
  group: "group",
  loo: "others",
  "reinforce-pp": "batch",
  gigpo: "group, state",
  gae: "value",
};

/** A run's settings in few words, from the resolved configuration in its record. */
function settingsOf({ identity, path }: TrainingCurve["record"]): Record<(typeof FIELDS)[number], string> {
  const { advantage, objective, update } = resolvedGrpoRun(identity.config, path).learner;
  const { clip, kl } = objective;
  const scale =
    "scale" in advantage ? advantage.scale : advantage.estimator === "reinforce-pp" ? "batch" : "none";
  return {
    baseline: BASELINE[advantage.estimator] ?? advantage.estimator,
    scale,
    ratio: objective.ratio,
    clip: clip ? [clip.low, clip.high, ...(clip.dual ? [clip.dual] : [])].join(" / ") : "none",
    aggregation: AGGREGATION[String(objective.aggregation)] ?? String(objective.aggregation),
    kl: kl ? `${kl.estimator}, ${kl.coefficient}` : "none",
    // Mini-batches make several steps of one pass; how many depends on the rows of each iteration.
    steps:
      update.miniBatchRows === null ? String(update.epochs) : `${update.epochs} × ${update.miniBatchRows}`,
  };
}

/** Three trajectories of one goal, small enough to follow by hand. */
const EXAMPLE: readonly { readonly pages: readonly string[]; readonly reward: number }[] = [
  { pages: ["search", "results", "product A"], reward: 1 },
  { pages: ["search", "results", "product B", "results", "product A"], reward: 1 },
  { pages: ["search", "product C"], reward: 0 },
];

const GAMMA = 0.95;

/** GiGPO's credit in the example, computed by the estimator that trains. */
export function creditTable(): TableDocument {
  const turn = (page: string, reward: number) => ({
    promptIds: [],
    responseIds: [],
    oldLogProbs: [],
    reward,
    formatValid: true,
    admissible: true,
    truncated: false,
    anchor: page,
  });
  const group: Group = {
    task: "example",
    rollouts: EXAMPLE.map(({ pages, reward }) => ({
      turns: pages.map((page, t) => turn(page, t === pages.length - 1 ? reward : 0)),
      return: reward,
      success: reward === 1,
      score: reward,
    })),
  };
  const { episode, step, total } = gigpo(group, { gamma: GAMMA, stepWeight: 1, scale: "none" });
  const number = (x: number): string => (Math.abs(x) < 5e-4 ? "0" : x.toFixed(3));
  const rows = EXAMPLE.flatMap(({ pages, reward }, i) =>
    pages.map((page, t) => ({
      trajectory: t === 0 ? String(i + 1) : "",
      page,
      followed: number(reward * GAMMA ** (pages.length - 1 - t)),
      met: String(EXAMPLE.reduce((sum, one) => sum + one.pages.filter((p) => p === page).length, 0)),
      episode: number(episode[i]![t]!),
      step: number(step[i]![t]!),
      total: number(total[i]![t]!),
    })),
  );
  return {
    name: "credit",
    sections: [
      {
        heading: "",
        table: aq.from(rows),
        columns: [
          column("Trajectory", "trajectory"),
          column("Page", "page"),
          column("Met", "met", "right"),
          column("Return from here", "followed", "right"),
          column("Episode", "episode", "right"),
          column("Step", "step", "right"),
          column("Advantage", "total", "right"),
        ],
      },
    ],
    notes: [],
  };
}
