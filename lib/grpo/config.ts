/**
 * What a run of the learner is, as data. An unknown key is an error, a combination that contradicts itself is
 * refused with the reason, and the parsed configuration is complete: it can be saved and repeated.
 */
import { z } from "zod";
import { checked, InputError } from "../base/index.js";

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
  /** From a group's returns to advantages. */
  advantage: z.strictObject({
    /** Group mean, leave-one-out, the batch-whitened return, GiGPO's two levels, or a critic's (PPO). */
    estimator: z.enum(["group", "loo", "return", "gigpo", "gae"]),
    /** Divide by nothing, by the group's standard deviation, or whiten over the whole batch. */
    scale: z.enum(["none", "group", "batch"]),
    /** Added to the standard deviation. */
    epsilon: positive.default(1e-6),
    /** n − 1 or n in the standard deviation. */
    deviation: z.enum(["sample", "population"]).default("sample"),
    /** What the baseline averages over: trajectories, or their turns (verl-agent). */
    baselineOver: z.enum(["trajectories", "rows"]).default("trajectories"),
    /** γ of the discounted return ("return") and of GiGPO's step level. */
    gamma: z.number().min(0).max(1).default(1),
    /** λ of generalised advantage estimation. */
    lambda: z.number().min(0).max(1).optional(),
    /**
     * Turns that several branches share (ARPO): each branch's own advantage ("soft", the default), or their mean for all
     * ("hard"). On the policy that sampled, both have the same gradient.
     */
    shared: z.enum(["soft", "hard"]).optional(),
    /** ω, weight of GiGPO's step level. */
    stepWeight: z.number().min(0).default(1),
    /** GiGPO: states whose texts are at least so similar are one (difflib's ratio). Absent: only equal ones. */
    similarity: z.number().gt(0).lt(1).optional(),
  }),
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
export type GrpoConfig = z.output<typeof schema>;
/** A configuration as it is written in a file: keys with defaults may be left out. */
export type GrpoConfigInput = z.input<typeof schema>;

/**
 * Checks and completes a configuration.
 * @param where what to call it in a message, e.g. the file's name.
 * @throws InputError for an unknown or missing key, a value out of range, or a contradiction, with the reason.
 */
export function parseGrpoConfig(value: unknown, where = "the configuration"): GrpoConfig {
  const config = checked(schema, value, where);
  const reason = contradiction(config);
  if (reason) throw new InputError(`In ${where}: ${reason}`);
  return config;
}

/** The first combination that cannot mean anything, or null. */
function contradiction(config: GrpoConfig): string | null {
  const { advantage, objective, groups, update, reward, sampling } = config;
  if ((advantage.estimator === "gae") !== (config.value !== undefined)) {
    return "a critic (value) and advantage.estimator gae go together; set both or neither.";
  }
  if ((advantage.estimator === "gae") !== (advantage.lambda !== undefined)) {
    return "advantage.lambda belongs to advantage.estimator gae; set it there, and only there.";
  }
  if (advantage.estimator === "gae" && advantage.scale === "group") {
    return "a critic's advantages are compared over the batch; set advantage.scale to batch or none.";
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
  if (advantage.estimator === "loo" && advantage.scale !== "none") {
    return "leave-one-out is unbiased only without division; set advantage.scale to none.";
  }
  if (advantage.similarity !== undefined && advantage.estimator !== "gigpo") {
    return "advantage.similarity groups GiGPO's states; leave it out, or set advantage.estimator to gigpo.";
  }
  if (advantage.estimator === "return" && advantage.scale !== "batch") {
    return "the return as advantage (REINFORCE++) needs the batch's baseline; set advantage.scale to batch.";
  }
  if (advantage.estimator === "gigpo" && advantage.scale === "batch") {
    return "GiGPO divides by each group's own deviation or not at all; set advantage.scale to group or none.";
  }
  if (advantage.estimator === "gae" && groups.zeroVariance !== "keep") {
    return "a critic learns from groups of equal returns, too; set groups.zeroVariance to keep.";
  }
  if (advantage.estimator === "return" && groups.zeroVariance !== "keep") {
    return "REINFORCE++ compares over the batch, so a group of equal returns is not empty; set groups.zeroVariance to keep.";
  }
  return null;
}
