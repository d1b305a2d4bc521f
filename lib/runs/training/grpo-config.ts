/** The configuration of a reinforcement-learning run: the learner's configuration and everything around it. */
import { z } from "zod";
import { LISTINGS, PLAIN_FORM, READINGS } from "../../agents/index.js";
import { checked, InputError, readJson } from "../../base/index.js";
import {
  effectiveAdvantage,
  type GrpoConfig,
  overPreset,
  parseGrpoConfig,
  presetNamed,
} from "../../grpo/index.js";
import { canonicalJson } from "../../records/index.js";
import { rewardFrom } from "../../rewards/index.js";

const whole = z.number().int().positive();
const section = z.record(z.string(), z.unknown());

const schema = z.strictObject({
  kind: z.literal("grpo"),
  /** The name of the run in records and on the screen. */
  name: z.string().regex(/^[a-z0-9][a-z0-9_.-]*$/, "use lower-case letters, digits, dots and dashes"),
  /** The model that is trained from here, in Hugging Face's layout: a folder, or a model that was pulled. */
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
  value: section.optional(),
  /** Two decisions an episode, or an action on every page. Default: two-decision. */
  protocol: z.enum(["two-decision", "multi-turn"]).optional(),
  /** Settings of the multi-turn protocol. */
  multiTurn: section.optional(),
  /** How options are chosen once a product is: match (default), first, none, all-lists, or `choose`: by the model, a decision each. */
  options: z.enum(["match", "first", "none", "choose", "all-lists"]).default("match"),
  /** What the choice sees of the results: titles and prices (default), or their metadata too. */
  listing: z.enum(LISTINGS).optional(),
  /** Whether the choice names a result at once (default), or judges each aloud before. */
  reading: z.enum(READINGS).optional(),
  /** List the results of each training query in an order drawn for it, so that a place tells nothing. Dev goals keep the search's. */
  permuted: z.boolean().optional(),
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
  /** Recompute each layer's activations in the backward pass: less memory, more time. */
  recompute: z.boolean().default(false),
});

/** How multi-turn episodes are played (docs/multi-turn.md). */
const multiTurn = z.strictObject({
  /** An episode that has bought nothing by then ends. */
  maxSteps: whole.default(15),
  /** Past steps in a prompt. */
  history: z.number().int().nonnegative().default(PLAIN_FORM.history),
  /** With what was seen at them, or only what was done. */
  observations: z.boolean().default(PLAIN_FORM.observations),
  /** Ask for a thought before each action. */
  thought: z.boolean().default(PLAIN_FORM.thought),
  /** The criterion by which two states are the same: the page's text (verl-agent), or the chosen options with it. */
  anchors: z.enum(["page", "page and options"]).default("page"),
  /**
   * A click that is not on the page is taken as the most similar text that is, if it is at least so similar (difflib's
   * ratio); the answer still counts as not admissible. For small models, which misspell product codes. Absent: never.
   */
  repair: z.number().gt(0).lt(1).optional(),
  /** Fork episodes where the policy has become unsure (ARPO). */
  branching: z
    .strictObject({
      initial: whole,
      probability: z.number().min(0).max(1).default(0.5),
      entropyWeight: z.number().min(0).default(0.2),
    })
    .optional(),
});

/** A complete configuration of a run. */
export type GrpoRun = Omit<z.output<typeof schema>, keyof GrpoConfig | "multiTurn"> & {
  readonly learner: GrpoConfig;
  /** Present exactly when the protocol is multi-turn. */
  readonly multiTurn?: z.output<typeof multiTurn>;
};

/**
 * Checks a configuration file's content and puts its preset and its own settings together.
 * @throws InputError for an unknown key, preset or contradiction, with where it is.
 */
export function parseGrpoRun(value: unknown, where = "the configuration"): GrpoRun {
  const parsed = checked(schema, value, where);
  const { advantage, objective, groups, reward, sampling, update, value: critic, ...rest } = parsed;
  const { multiTurn: turns, ...run } = rest;
  const own = { advantage, objective, groups, reward, sampling, update, value: critic };
  const learner = parseGrpoConfig(overPreset(presetNamed(run.preset), own), where);
  rewardFrom(learner.reward, learner.sampling.maxTokens, `${where}, reward`); // refuses terms that it does not know
  if (run.protocol !== "multi-turn") {
    if (turns)
      throw new InputError(`In ${where}: multiTurn is for protocol multi-turn; set it, or leave it out.`);
    if (learner.advantage.estimator === "gigpo") {
      throw new InputError(
        `In ${where}: GiGPO compares actions on the same page; set protocol to multi-turn.`,
      );
    }
    return { ...run, learner };
  }
  const choice = (["listing", "reading", "permuted"] as const).find((key) => run[key] !== undefined);
  if (choice) {
    throw new InputError(
      `In ${where}: ${choice} is about the choice of two decisions; leave it out with multi-turn.`,
    );
  }
  const settings = checked(multiTurn, turns ?? {}, `${where}, multiTurn`);
  const reason = contradiction(settings, learner);
  if (reason) throw new InputError(`In ${where}: ${reason}`);
  return { ...run, multiTurn: settings, learner };
}

/** The first combination of the protocol and the learner that cannot mean anything, or null. */
function contradiction(
  { branching }: z.output<typeof multiTurn>,
  { objective, update, groups }: GrpoConfig,
): string | null {
  if (objective.queryBySelection) {
    return "objective.queryBySelection weights a query by its selection; multi-turn episodes have neither.";
  }
  if (update.miniBatchRows !== null && update.schedule !== "constant") {
    return "a multi-turn run does not know its number of mini-batches beforehand; set update.schedule to constant.";
  }
  if (branching && groups.perTask > 1) {
    return "branches share their beginnings, so they are one group; set groups.perTask to 1.";
  }
  if (branching && branching.initial >= groups.size) {
    return "multiTurn.branching.initial leaves nothing to branch with; make it less than groups.size.";
  }
  return null;
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
  const { learner: kept, ...run } = checked(
    z.looseObject({ learner: z.looseObject({ advantage: z.looseObject({}) }) }),
    value,
    where,
  );
  const learner = { ...kept, advantage: effectiveAdvantage(kept.advantage) };
  const parsed = parseGrpoRun({ ...run, ...learner }, where);
  if (!agrees(parsed, { ...run, learner }))
    throw new InputError(`${where} is not a configuration of this version.`);
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
