/** What a reinforcement-learning run is: the learner's configuration and everything around it. */
import { z } from "zod";
import { checked, InputError, readJson } from "../../base/index.js";
import { type GrpoConfig, parseGrpoConfig, presetNamed } from "../../grpo/index.js";
import { canonicalJson } from "../records/index.js";

const whole = z.number().int().positive();
const section = z.record(z.string(), z.unknown());

const schema = z.strictObject({
  kind: z.literal("grpo"),
  /** What the run is called in records and on the screen. */
  name: z.string().regex(/^[a-z0-9][a-z0-9_.-]*$/, "use lower-case letters, digits, dots and dashes"),
  /** Folder of the model that is trained from here, in Hugging Face's layout. */
  model: z.string().min(1),
  /** The algorithm: a preset of lib/grpo. */
  preset: z.string(),
  /** Settings that differ from the preset's, by section (docs/objective.md). */
  advantage: section.default({}),
  objective: section.default({}),
  groups: section.default({}),
  reward: section.default({}),
  sampling: section.default({}),
  update: section.default({}),
  /** How options are chosen once a product is: match (default), first, none, all-lists. */
  options: z.enum(["match", "first", "none", "all-lists"]).default("match"),
  /** Folder of the shop; the embedded one by default. */
  data: z.string().nullable().default(null),
  seed: z.number().int().nonnegative().default(0),
  iterations: whole,
  /** A LoRA adapter instead of the whole model; the base is then the KL reference. */
  lora: z
    .strictObject({
      rank: whole,
      alpha: z.number().positive(),
      dropout: z.number().min(0).lt(1).default(0),
      targets: z
        .array(z.enum(["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]))
        .min(1)
        .optional(),
    })
    .nullable()
    .default(null),
  /** Every how many iterations the dev goals are played, and how many of them; before the first and after the last too. */
  evaluate: z.strictObject({ every: whole, goals: whole }).default({ every: 20, goals: 200 }),
  /** Every how many iterations the run is saved. */
  checkpoint: whole.default(10),
  /** Worker threads; the results are the same bits for any number. */
  workers: z.number().int().nonnegative().default(2),
  /** Recompute each layer's activations on the way back: less memory, more time. */
  recompute: z.boolean().default(false),
});

/** A complete configuration of a run. */
export type GrpoRun = Omit<z.output<typeof schema>, keyof GrpoConfig> & {
  readonly learner: GrpoConfig;
};

const SECTIONS = ["advantage", "objective", "groups", "reward", "sampling", "update"] as const;

/**
 * Checks a configuration file's content and puts its preset and its own settings together.
 * @throws InputError for an unknown key, preset or contradiction, with where it is.
 */
export function parseGrpoRun(value: unknown, where = "the configuration"): GrpoRun {
  const { advantage, objective, groups, reward, sampling, update, ...run } = checked(schema, value, where);
  const own = { advantage, objective, groups, reward, sampling, update };
  const preset = presetNamed(run.preset) as Partial<Record<(typeof SECTIONS)[number], object>>;
  const merged = Object.fromEntries(SECTIONS.map((name) => [name, { ...preset[name], ...own[name] }]));
  return { ...run, learner: parseGrpoConfig(merged, where) };
}

/**
 * A resolved configuration as a run's folder keeps it, checked again.
 * @throws InputError when it is not one that {@link parseGrpoRun} gives
 */
export function readGrpoRun(path: string): GrpoRun {
  return resolvedGrpoRun(readJson(path, "run's configuration"), path);
}

/** {@link readGrpoRun} of a value. */
export function resolvedGrpoRun(value: unknown, where: string): GrpoRun {
  const { learner, ...run } = checked(z.looseObject({ learner: z.looseObject({}) }), value, where);
  const parsed = parseGrpoRun({ ...run, ...learner }, where);
  if (!agrees(parsed, value)) throw new InputError(`${where} is not a configuration of this version.`);
  return parsed;
}

/** Whether everything in `kept` stands in `whole`, which may have further keys: settings that came later, by default. */
function agrees(whole: unknown, kept: unknown): boolean {
  if (typeof kept !== "object" || kept === null || Array.isArray(kept)) {
    return canonicalJson(whole) === canonicalJson(kept);
  }
  if (typeof whole !== "object" || whole === null) return false;
  const values = new Map(Object.entries(whole));
  return Object.entries(kept).every(([key, value]) => agrees(values.get(key), value));
}
