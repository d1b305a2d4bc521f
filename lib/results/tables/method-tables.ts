/** Tables of the method chapter. Nothing in them is measured, and nothing typed: they are read from the code that runs. */
import * as aq from "arquero";
import { type Group, gigpo, type GrpoConfig, parseGrpoConfig, PRESETS } from "../../grpo/index.js";
import type { ColumnFormat, TableDocument, TableRow } from "./document.js";

const column = (title: string, field: string, align: "left" | "right" = "left"): ColumnFormat => ({
  title,
  align,
  text: (row: TableRow) => String(row[field]),
});

/** The presets that the thesis speaks of, in its order, with their names. */
const SHOWN: readonly (readonly [keyof typeof PRESETS, string])[] = [
  ["thesis", "GRPO (thesis)"],
  ["grpo", "GRPO"],
  ["dr_grpo", "Dr.GRPO"],
  ["rloo", "RLOO"],
  ["reinforce-pp", "REINFORCE++"],
  ["dapo", "DAPO"],
  ["gspo", "GSPO"],
  ["cispo", "CISPO"],
  ["ppo", "PPO"],
  ["arpo", "ARPO"],
  ["gigpo", "GiGPO"],
];

/** Algorithms as rows of one table: what each preset sets. */
export function algorithmsTable(): TableDocument {
  const rows = SHOWN.map(([key, name]) => {
    const preset = PRESETS[key] as { reward?: object; groups?: object; sampling?: object; update?: object };
    const config = parseGrpoConfig({
      ...PRESETS[key],
      // what a run chooses, and the table does not show
      reward: { ...preset.reward },
      groups: { tasks: 8, size: 8, ...preset.groups },
      sampling: { maxTokens: 16, ...preset.sampling },
      update: { learningRate: 1, ...preset.update },
    });
    return { name, ...describe(config) };
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
        ],
      },
    ],
    notes: [],
  };
}

/** What is averaged, in few words. */
const AGGREGATION: Readonly<Record<string, string>> = {
  "token-mean": "tokens",
  "seq-mean-token-mean": "answers",
  "seq-mean-token-sum": "answers, summed",
  "rollout-mean-token-mean": "trajectories",
};

function describe({ advantage, objective }: GrpoConfig) {
  const { clip, kl } = objective;
  const baseline = {
    group: "group",
    loo: "others",
    "reinforce-pp": "batch",
    gigpo: "group, state",
    gae: "value",
  } as const;
  return {
    baseline: baseline[advantage.estimator as keyof typeof baseline] ?? advantage.estimator,
    scale: "scale" in advantage ? advantage.scale : advantage.estimator === "reinforce-pp" ? "batch" : "none",
    ratio: objective.ratio,
    clip: clip ? [clip.low, clip.high, ...(clip.dual ? [clip.dual] : [])].join(" / ") : "none",
    aggregation: AGGREGATION[String(objective.aggregation)] ?? String(objective.aggregation),
    kl: kl ? `${kl.estimator}, ${kl.coefficient}` : "none",
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
