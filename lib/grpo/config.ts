/**
 * The learner's configuration. An unknown key is an error, a combination that contradicts itself is
 * refused with the reason, and the parsed configuration is complete: it can be saved and repeated.
 */
import { z } from "zod";
import { checked, InputError } from "../base/index.js";
import {
  type AdvantageInput,
  type AdvantageSettings,
  estimatorNamed,
  parseAdvantage,
} from "./advantages/index.js";

const positive = z.number().positive();
const whole = z.number().int().positive();

const aggregation = z.union([
  z.enum([
    "token-mean",
    "seq-mean-token-mean",
    "seq-mean-token-sum",
    "prompt-mean",
    "rollout-mean-token-mean",
  ]),
  z.strictObject({ constant: positive }),
]);

const schema = z.strictObject({
  /** From a group's returns to advantages: an estimator by its name, with its own settings (`advantages/`). */
  advantage: z.looseObject({ estimator: z.string() }),
  objective: z.strictObject({
    ratio: z.enum(["none", "token", "sequence"]),
    surrogate: z.enum(["clipped", "detached"]).default("clipped"),
    clip: z.strictObject({ low: positive, high: positive, dual: z.number().gt(1).optional() }).nullable(),
    aggregation,
    kl: z
      .strictObject({
        estimator: z.enum(["k1", "k2", "k3"]),
        coefficient: positive,
        where: z.enum(["loss", "reward"]),
        clamp: positive.optional(),
      })
      .nullable(),
    entropy: z.number().min(0).default(0),
    /** Multiply the query's loss by the detached probability of the selection (the thesis). */
    queryBySelection: z.boolean().default(false),
  }),
  /** The critic that estimator gae asks, and how it learns. */
  value: z
    .strictObject({
      /**
       * Adam moves every weight by about so much a step, and a value by so much times the state's width: 0.001 suits 128 numbers; wider
       * states want less, or values overshoot from batch to batch.
       */
      learningRate: positive.default(0.001),
      /** Steps of Adam on the decisions of an iteration. */
      epochs: whole.default(4),
      /** How far a value may move in an iteration; null does not bound it. */
      clip: positive.nullable().default(0.5),
    })
    .optional(),
  groups: z.strictObject({
    /** Tasks in an iteration. */
    tasks: whole,
    /** Independent groups of each task (the thesis's marginals M). */
    perTask: whole.default(1),
    /** Roll-outs in each group (the thesis's G). */
    size: z.number().int().min(2),
    /** A group whose returns are all equal: keep it, leave it out of the loss, or sample another in its place. */
    zeroVariance: z.enum(["keep", "mask", "resample"]).default("keep"),
    /** At most this many batches are sampled to replace such groups. */
    maxBatches: whole.default(10),
  }),
  reward: z.strictObject({
    /** The shop's score, or 1 for a perfect purchase and else 0. */
    kind: z.enum(["partial", "success"]).default("partial"),
    /** Multiplies the reward; without division by a standard deviation it multiplies the learning rate. */
    scale: positive.default(1),
    /** Taken from a row whose response lacked the form asked for. */
    invalidPenalty: z.number().min(0).default(0),
    /** DAPO's soft punishment: the last `buffer` tokens before the limit cost up to `factor`, rising from 0. */
    overlong: z.strictObject({ buffer: whole, factor: positive }).optional(),
    /** Further terms by name (lib/rewards), each with its settings; all are added up. */
    terms: z.record(z.string(), z.looseObject({})).optional(),
    /** A response cut by the length limit: count it, or leave its row out of the loss. */
    truncated: z.enum(["count", "mask"]).default("count"),
  }),
  sampling: z.strictObject({
    temperature: positive.default(1),
    maxTokens: whole,
  }),
  update: z.strictObject({
    /** Passes over the roll-outs (μ; the thesis's I). */
    epochs: whole.default(1),
    /** Rows of one optimiser step; null takes all rows of the iteration. */
    miniBatchRows: whole.nullable().default(null),
    learningRate: positive,
    weightDecay: z.number().min(0).default(0.01),
    beta1: z.number().min(0).lt(1).default(0.9),
    beta2: z.number().min(0).lt(1).default(0.999),
    maxGradNorm: positive.nullable().default(1),
    warmupSteps: z.number().int().min(0).default(0),
    schedule: z.enum(["constant", "linear", "cosine"]).default("constant"),
  }),
});

/** A complete configuration of the learner. */
export type GrpoConfig = Omit<z.output<typeof schema>, "advantage"> & {
  readonly advantage: AdvantageSettings;
};
/** A configuration as it is written in a file: keys with defaults may be left out. */
export type GrpoConfigInput = Omit<z.input<typeof schema>, "advantage"> & {
  readonly advantage: AdvantageInput;
};

/**
 * Checks and completes a configuration.
 * @param where what to call it in a message, e.g. the file's name.
 * @throws InputError for an unknown or missing key, a value out of range, a setting that its estimator does not know, or a
 * contradiction, with the reason.
 */
export function parseGrpoConfig(value: unknown, where = "the configuration"): GrpoConfig {
  const parsed = checked(schema, value, where);
  const config = { ...parsed, advantage: parseAdvantage(parsed.advantage, `${where}, advantage`) };
  const reason = contradiction(config);
  if (reason) throw new InputError(`In ${where}: ${reason}`);
  return config;
}

/**
 * The advantage section of a resolved configuration of an earlier version, without the settings that had no effect: every
 * estimator had all of them then. REINFORCE++'s estimator was called "return".
 */
export function effectiveAdvantage(
  kept: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const name = kept["estimator"] === "return" ? "reinforce-pp" : kept["estimator"];
  const own = { ...kept, estimator: name };
  const { settings } = estimatorNamed(String(name));
  const unknown = (settings.safeParse(own).error?.issues ?? []).flatMap((issue) =>
    issue.code === "unrecognized_keys" ? issue.keys : [],
  );
  const without = ["scale", "epsilon", "deviation", "baselineOver", "gamma", "stepWeight"];
  return Object.fromEntries(
    Object.entries(own).filter(([key]) => !(unknown.includes(key) && without.includes(key))),
  );
}

/** The first combination that cannot mean anything, or null. */
function contradiction(config: GrpoConfig): string | null {
  const { advantage, objective, groups, update, reward, sampling } = config;
  const { baseline } = estimatorNamed(advantage.estimator);
  if ((baseline === "critic") !== (config.value !== undefined)) {
    return "a critic (value) and advantage.estimator gae go together; set both or neither.";
  }
  if (reward.overlong && reward.overlong.buffer > sampling.maxTokens) {
    return "reward.overlong.buffer is longer than a response may be; lower it below sampling.maxTokens.";
  }
  if (objective.ratio === "none" && objective.clip !== null) {
    return "objective.clip bounds a ratio, but objective.ratio is none; set clip to null.";
  }
  if (objective.surrogate === "detached" && objective.ratio !== "token") {
    return "objective.surrogate detached (CISPO) weights tokens by their ratio; set objective.ratio to token.";
  }
  if (objective.ratio === "sequence" && objective.aggregation !== "seq-mean-token-mean") {
    return "a sequence ratio (GSPO) is one number per response; set objective.aggregation to seq-mean-token-mean.";
  }
  if (objective.kl?.estimator === "k1" && objective.kl.where === "loss") {
    return "k1 in the loss has an expected gradient of zero; use k2 or k3, or put k1 in the reward.";
  }
  if (objective.kl?.where === "reward" && objective.kl.estimator !== "k1") {
    return "a KL term in the reward is k1 (its mean over samples is the divergence); set objective.kl.estimator to k1.";
  }
  if (objective.ratio === "none" && (update.epochs > 1 || update.miniBatchRows !== null)) {
    return "several optimiser steps on one set of roll-outs are off-policy; they need objective.ratio token or sequence.";
  }
  if (baseline !== "group" && groups.zeroVariance !== "keep") {
    return `estimator ${advantage.estimator} compares over the ${baseline === "batch" ? "batch" : "critic's values"}, so a group of equal returns is not empty; set groups.zeroVariance to keep.`;
  }
  return null;
}
