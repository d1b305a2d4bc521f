/** The configuration of a training run. An unknown key is an error; the parsed configuration is complete and can be repeated. */
import { z } from "zod";
import { checked, InputError } from "../base/index.js";
import { LISTINGS } from "../agents/index.js";
import { RECIPE_VERSIONS } from "../simulator/index.js";

const whole = z.number().int().positive();
const fraction = z.number().min(0).max(1);
const weight = z.number().min(0);

const optimizer = z.strictObject({
  learningRate: z.number().positive(),
  betas: z.tuple([fraction, fraction]).default([0.9, 0.98]),
  weightDecay: z.number().min(0).default(0.01),
  maxGradNorm: z.number().positive().nullable().default(1),
  warmUp: z.number().int().min(0).default(0),
  schedule: z.enum(["constant", "linear", "cosine"]).default("constant"),
  /** The last learning rate as a fraction of the peak. */
  floor: fraction.default(0),
});

const common = {
  seed: z.number().int().min(0).default(0),
  /** The name of the run in records and on the screen; by default as the last part of `out`. */
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_.-]*$/, "use lower-case letters, digits, dots and dashes")
    .optional(),
  /** Folder that the finished model is put into. */
  out: z.string().min(1),
  optimizer,
  /** Packed tokens that go through the model at once. */
  batchTokens: whole.default(2048),
  /** Steps between two checkpoints to go on from. */
  checkpointEvery: whole.default(100),
  /** Steps between two measurements on goals that are not trained on. */
  evaluateEvery: whole.default(100),
};

/** `share` is the fraction of the rows that are drawn, relative to the other tasks'; `weight` is what a row counts in the loss. */
const mixed = { share: weight.default(1), weight: weight.default(1) };

/** Search results, and the measure that they are rated by. */
const listed = {
  listings: whole.max(10),
  labels: z.enum(["reward", "visible", "shown", "price"]).default("reward"),
};

const phase = z.strictObject({
  steps: whole,
  /** Packed tokens of a step: rows are drawn until there are as many. */
  tokens: whole,
  tasks: z.strictObject({
    /** Rating lists of words by how many asked words they hold. */
    words: z
      .strictObject({
        ...mixed,
        listings: whole,
        words: whole,
        graded: z.boolean().default(true),
        text: fraction.default(0),
      })
      .optional(),
    /** Writing words again. */
    copy: z.strictObject({ ...mixed, words: whole }).optional(),
    /** Rating search results, verdict beside each. */
    judge: z.strictObject({ ...mixed, ...listed, text: fraction.default(0) }).optional(),
    /** Writing a query; `care` is the fraction of people who say all that they want. */
    query: z.strictObject({ ...mixed, care: fraction }).optional(),
    /** Choosing among search results; `resolve` is the weight of the best results beside a uniform choice. */
    select: z.strictObject({ ...mixed, ...listed, resolve: fraction }).optional(),
    /** Judging each of some permuted search results and naming the first of the best, of titles or with metadata. */
    aloud: z
      .strictObject({ ...mixed, ...listed, list: z.enum([...LISTINGS, "either"]).default("titles") })
      .optional(),
  }),
});

const pretrain = z.strictObject({
  kind: z.literal("pretrain"),
  ...common,
  tokenizer: z.strictObject({ size: whole.min(512) }),
  model: z.strictObject({
    hiddenSize: whole,
    intermediateSize: whole,
    layers: whole,
    heads: whole,
    keyValueHeads: whole,
    maxPositions: whole,
    ropeTheta: z.number().positive(),
  }),
  /** Goals of each measurement. */
  measureGoals: whole.default(100),
  /** The recipe's shops that are learnt from: never seed 0, the shop that is tested in. */
  shops: z.strictObject({
    seeds: z.array(whole).min(1),
    products: whole,
    heldOut: whole,
    /** How listings are written (docs/shop.md); absent: 1, as before there were versions. */
    recipe: z.literal([...RECIPE_VERSIONS]).optional(),
  }),
  phases: z.array(phase).min(1),
});

const imitate = z.strictObject({
  kind: z.literal("imitate"),
  ...common,
  /** The model to start from, a folder or one that was pulled; or a shape (a folder with a `config.json`) with random weights and another model's tokenizer. */
  from: z.union([
    z.string().min(1),
    z.strictObject({ random: z.string().min(1), tokenizer: z.string().min(1) }),
  ]),
  /** A catalogue's folder; absent: the embedded shop. */
  data: z.string().optional(),
  /** JSON Lines of demonstrations; absent: made from the shop's train goals. */
  demonstrations: z.string().optional(),
  /** How many train goals are demonstrated, and how. */
  teachers: z.strictObject({
    goals: whole,
    /** Fraction of the goals shown by the choice oracle. */
    oracle: fraction.default(1),
    /** Fraction of the goals shown by people who read prices; the rest by shoppers who make mistakes. */
    reader: fraction.default(0),
    /** Fraction of a shopper's queries that are careless, and of the choices that are hasty (any of the first three). */
    careless: fraction.default(0.2),
    hasty: fraction.default(0.05),
  }),
  /** Train the whole model, or a LoRA adapter. */
  train: z
    .union([
      z.literal("model"),
      z.strictObject({
        rank: whole,
        alpha: z.number().positive(),
        dropout: fraction.default(0),
        targets: z
          .array(z.enum(["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]))
          .min(1),
      }),
    ])
    .default("model"),
  steps: whole,
  /** Packed tokens of a step. */
  tokens: whole,
  /** The mixture of demonstrations, each task's rows in epochs of their own. A task of share 0 is left out. */
  tasks: z
    .strictObject({
      query: z.strictObject(mixed).prefault({}),
      select: z.strictObject(mixed).prefault({}),
      act: z.strictObject(mixed).prefault({ share: 0 }),
      /** Choices read aloud among permuted results, of titles or with metadata. Absent: none. */
      aloud: z.strictObject({ ...mixed, list: z.enum([...LISTINGS, "either"]).default("titles") }).optional(),
      /** Exercises: rating each result's price, and finding the first affordable one wherever it stands. */
      price: z.strictObject(mixed).prefault({ share: 0 }),
      reading: z.strictObject(mixed).prefault({ share: 0 }),
    })
    .prefault({}),
  /** Dev goals that the loss is measured on. */
  devGoals: whole.default(100),
  /** Dev goals that the finished model's two decisions are measured on; 0 leaves that out. */
  decisionGoals: z.number().int().min(0).default(200),
  /** Measurements without a better dev loss after which training ends; null trains to the end. */
  patience: whole.nullable().default(null),
});

const schema = z.discriminatedUnion("kind", [pretrain, imitate]);

/** A complete configuration of a pretraining run. */
export type PretrainConfig = z.output<typeof pretrain>;
/** A complete configuration of an imitation run. */
export type ImitateConfig = z.output<typeof imitate>;
/** One stretch of pretraining with its own mixture of tasks. */
export type Phase = PretrainConfig["phases"][number];

/**
 * Checks and completes a configuration.
 * @param where what to call it in a message, e.g. the file's name
 * @throws InputError for an unknown or missing key, a value out of range, or a contradiction
 */
export function parseImitationConfig(
  value: unknown,
  where = "the configuration",
): PretrainConfig | ImitateConfig {
  const config = checked(schema, value, where);
  const reason = contradiction(config);
  if (reason) throw new InputError(`In ${where}: ${reason}`);
  return config;
}

/** The first combination that cannot mean anything, or null. */
function contradiction(config: PretrainConfig | ImitateConfig): string | null {
  if (config.kind === "imitate") {
    return Object.values(config.tasks).some(({ share, weight }) => share > 0 && weight > 0)
      ? null
      : "no task has both a share and a weight; give tasks.query, select or act one.";
  }
  const { shops, model, phases } = config;
  if (shops.seeds.includes(shops.heldOut))
    return "shops.heldOut is one of shops.seeds; measure on another shop.";
  if (model.hiddenSize % (2 * model.heads) !== 0) {
    return `model.hiddenSize ${model.hiddenSize} does not give ${model.heads} heads of an even width.`;
  }
  if (model.heads % model.keyValueHeads !== 0) return "model.keyValueHeads must divide model.heads.";
  const empty = phases.findIndex(({ tasks }) => !Object.values(tasks).some((task) => task.share > 0));
  return empty < 0 ? null : `phases.${empty}.tasks has no task with a share.`;
}
