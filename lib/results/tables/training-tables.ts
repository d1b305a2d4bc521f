/** Tables about training: what the runs were, what they cost, and what ablations gave. */
import * as aq from "arquero";
import type { Ablation, AblationVariant } from "../ablations.js";
import type { TrainingCurve } from "../figures/types.js";
import { agentStyle, byOrder, isKnownAgent, ladder } from "../ladder.js";
import type { ColumnFormat, TableDocument, TableRow } from "./document.js";
import { latexText } from "./latex-text.js";
import { intervalText, oneDecimal } from "./numbers.js";

const plain = (title: string, field: string, align: "left" | "right" = "right"): ColumnFormat => ({
  title,
  align,
  text: (row: TableRow) => String(row[field]),
});

/** Values of one setting over a family's runs: one where they agree. */
function agreed(values: readonly unknown[]): string {
  return [...new Set(values.map((value) => String(value ?? "–")))].join(", ");
}

interface Learner {
  readonly groups?: Readonly<Record<string, number>>;
  readonly update?: Readonly<Record<string, number>>;
  readonly sampling?: Readonly<Record<string, number>>;
}

/** The trained methods that tables speak of: those that are expected, and those with training records and a row on the ladder. */
export function familiesOf(training: readonly TrainingCurve[]): string[] {
  const found = training.map(({ record }) => record.identity.name).filter(isKnownAgent);
  const expected = ladder.filter(({ learns, shown }) => learns === "reward" && shown === "expected");
  return byOrder([...new Set([...expected.map(({ name }) => name), ...found])], (name) => name);
}

/** The cells of a row without records: arquero takes a table's columns from its first row. */
const NOTHING = { groups: "", epochs: "", rate: "", iterations: "", tokens: "", minutes: "", seeds: "" };

/** The settings and the cost of each family's runs; a family without training records has a row that says so. */
export function costTable(training: readonly TrainingCurve[]): TableDocument {
  const rows = familiesOf(training).map((name) => {
    const runs = training.filter(({ record }) => record.identity.name === name);
    const label = agentStyle(name).label;
    if (runs.length === 0)
      return { label, missing: `no training record: npx aisle train configs/${name}.json`, ...NOTHING };
    const configs = runs.map(({ record }) => record.identity.config);
    const learners = configs.map((config) => (config["learner"] ?? {}) as Learner);
    const perIteration = learners.map(
      ({ groups = {} }) => (groups["tasks"] ?? 1) * (groups["perTask"] ?? 1) * (groups["size"] ?? 1),
    );
    const tokens = runs.map(({ metrics }, i) =>
      metrics.reduce(
        (sum, m) => sum + (m["response_len/mean"] ?? 0) * (m["steps/mean"] ?? 0) * perIteration[i]!,
        0,
      ),
    );
    const minutes = runs
      .flatMap(({ seconds }) => (seconds === null ? [] : [seconds / 60]))
      .sort((a, b) => a - b);
    return {
      label,
      missing: "",
      groups: agreed(
        learners.map(
          ({ groups = {} }) => `${groups["tasks"]} × ${groups["perTask"] ?? 1} × ${groups["size"]}`,
        ),
      ),
      epochs: agreed(learners.map(({ update = {} }) => update["epochs"] ?? 1)),
      rate: agreed(learners.map(({ update = {} }) => update["learningRate"])),
      iterations: agreed(configs.map((config) => config["iterations"])),
      tokens: `${oneDecimal(tokens.reduce((a, b) => a + b, 0) / tokens.length / 1000)} k`,
      minutes: minutes.length === 0 ? "–" : oneDecimal(minutes[Math.floor(minutes.length / 2)]!),
      seeds: String(runs.length),
    };
  });
  const shown = (title: string, field: string): ColumnFormat => ({
    title,
    align: "right",
    text: (row) => (row["missing"] ? "–" : String(row[field])),
  });
  return {
    name: "cost",
    sections: [
      {
        heading: "",
        table: aq.from(rows),
        columns: [
          plain("Algorithm", "label", "left"),
          {
            title: "Tasks × M × G",
            align: "left",
            text: (row) => String(row["missing"] || row["groups"]),
            latex: (row) => (row["missing"] ? "no record" : latexText(String(row["groups"]))),
          },
          shown("I", "epochs"),
          shown("Rate", "rate"),
          shown("Iterations", "iterations"),
          shown("Tokens", "tokens"),
          shown("Minutes", "minutes"),
          shown("Seeds", "seeds"),
        ],
      },
    ],
    notes: [
      {
        mark: "",
        text:
          "Tasks × M × G: goals of an iteration, groups of each, roll-outs in a group. I: optimiser steps on the same roll-outs. " +
          "Rate: learning rate. Tokens: sampled in one run, in thousands. Minutes: median wall time of a run on the machine that its record " +
          "names, shared with other work: an order of magnitude, no benchmark.",
      },
    ],
  };
}

/** A grid's setting for people: `groups.size` → G. */
const SHORT: Readonly<Record<string, string>> = {
  "groups.size": "G",
  "groups.perTask": "M",
  "update.epochs": "I",
  "objective.kl.coefficient": "KL",
  "update.learningRate": "learning rate",
  "advantage.stepWeight": "ω",
  "advantage.gamma": "γ",
  "reward.kind": "reward",
};

/** Stands in a table where no sweep is described. */
const NONE: Ablation = {
  name: "none",
  command: "describe one in configs/sweeps",
  variants: [
    { variant: "none", named: null, settings: {}, change: [], seeds: [], records: [], summary: null },
  ],
};

/** The difference of a variant, for people: its name and its settings. */
export function variantLabel({
  variant,
  named,
  settings,
  change,
}: Pick<AblationVariant, "variant" | "named" | "settings" | "change">): string {
  const set = Object.entries(settings)
    .filter(([path]) => !change.includes(path))
    .map(([path, value]) => `${SHORT[path] ?? path} ${String(value)}`);
  return [...(named === null ? [] : [named]), ...set].join(", ") || variant;
}

/** The varied setting of a sweep, for people: `GSPO`. */
export function sweepBase(variants: readonly Pick<AblationVariant, "variant">[]): string {
  return agentStyle(variants[0]!.variant.split(":")[0]!).label;
}

/** Every sweep's variants; one whose records are missing has a row with the command that makes them. */
export function ablationsTable(ablations: readonly Ablation[]): TableDocument {
  const columns: readonly ColumnFormat[] = [
    plain("Variant", "variant", "left"),
    {
      title: "Score",
      align: "right",
      text: (row) => String(row["missing"] || row["score"]),
      latex: (row) => latexText(row["missing"] ? "no record" : String(row["score"])),
    },
    plain("Success %", "success"),
    plain("Seeds", "seeds"),
  ];
  return {
    name: "ablations",
    sections: (ablations.length > 0 ? ablations : [NONE]).map(({ name, command, variants }) => ({
      heading: `${sweepBase(variants)}: sweep ${name}`,
      columns,
      table: aq.from(
        variants.map(({ summary, records, seeds, ...variant }) => ({
          variant: variantLabel(variant),
          missing: summary ? "" : `${records.length} of ${seeds.length} records: ${command}`,
          score: summary ? `${oneDecimal(summary.score.value)} ${intervalText(summary.score)}` : "",
          success: summary
            ? `${oneDecimal(summary.successRate.value)} ${intervalText(summary.successRate)}`
            : "–",
          seeds: `${records.length}/${seeds.length}`,
        })),
      ),
    })),
    notes: [],
  };
}
