/** Imitation: a model learns what teachers did on train goals, and is measured on dev goals. */
import { join } from "node:path";
import { InputError, type Random, stream } from "../base/index.js";
import { freshAdapter, packedLength, Policy, type Trainee, Trainer } from "../policy/index.js";
import {
  findModel,
  initModel,
  loadModel,
  loadTokenizer,
  mergeAdapter,
  type ModelFiles,
  readModelConfig,
  saveAdapter,
  saveModel,
  type Tokenizer,
} from "../model/index.js";
import { type Catalogue, splitRanges } from "../simulator/index.js";
import { aloudRow } from "./aloud.js";
import type { ImitateConfig } from "./config.js";
import { multiTurnDemonstrations } from "./demonstrations/multi-turn.js";
import { readDemonstrations } from "./demonstrations/file.js";
import { taughtGoals, twoDecisionDemonstrations } from "./demonstrations/teachers.js";
import type { Demonstration } from "./demonstrations/types.js";
import { exerciseRows } from "./price-exercises.js";
import { type OpenOptions, trainerOptions } from "./run-options.js";
import { type Measurement, measuredMetrics, stepMetrics, supervisedStep } from "./steps.js";
import { rowLoss, scoresOf, taught, type TaughtRow } from "./supervised.js";

/** The demonstrations of a run: read from its file, or made from the shop's goals. */
export function demonstrationsFor(
  config: Pick<ImitateConfig, "teachers" | "seed" | "demonstrations" | "devGoals" | "tasks">,
  catalogue: Catalogue,
): { train: Demonstration[]; dev: Demonstration[] } {
  const { goals, oracle, reader, careless, hasty } = config.teachers;
  const make = (split: "train" | "dev", count: number): Demonstration[] => {
    const { aloud } = config.tasks;
    const options = {
      ...{ goals: count, oracle, reader, careless, hasty, seed: config.seed, split },
      ...(aloud && aloud.share > 0 ? { aloud: aloud.list } : {}),
    };
    const made = [...twoDecisionDemonstrations(catalogue, options)];
    if (config.tasks.act.share > 0) made.push(...multiTurnDemonstrations(catalogue, options));
    return made;
  };
  const train =
    config.demonstrations === undefined ? make("train", goals) : readDemonstrations(config.demonstrations);
  refuseTestGoals(train, catalogue, config.demonstrations);
  return { train, dev: make("dev", config.devGoals) };
}

/** @throws InputError when a demonstration shows a goal that is not a train goal of this shop. */
function refuseTestGoals(
  demonstrations: readonly Demonstration[],
  catalogue: Catalogue,
  file?: string,
): void {
  const { start } = splitRanges(catalogue.goalCount).train;
  demonstrations.forEach(({ from }, i) => {
    if (from.goal === null) return;
    if (from.source !== catalogue.fingerprint || from.goal < start) {
      throw new InputError(
        `Demonstration ${i + 1}${file === undefined ? "" : ` of ${file}`} is of goal ${from.goal} of the shop ` +
          `${from.source.slice(0, 12)}, which is not a train goal of this shop.`,
      );
    }
  });
}

/** A demonstration as a row to learn; null where it does not fit the model's positions. */
export function demonstrationRow(
  tokenizer: Tokenizer,
  { task, messages, given, answer }: Demonstration,
  weight: number,
  maxPositions: number,
): TaughtRow | null {
  if (given) {
    const row = aloudRow(tokenizer, messages, given, answer.split(" "));
    return packedLength(row) > maxPositions ? null : { ...row, task, weight };
  }
  const prompt = tokenizer.chat(messages);
  const ids = [...tokenizer.encode(answer), tokenizer.eosIds[0]!];
  if (prompt.length + ids.length > maxPositions) return null;
  return { task, weight, prompt, completions: [taught(ids)] };
}

/**
 * A run of imitation for the training loop; the model with the best dev loss is its result.
 * @throws InputError when the model, the shop or the demonstrations do not fit
 */
export async function openImitation(
  config: ImitateConfig,
  catalogue: Catalogue,
  options: OpenOptions = {},
): Promise<Trainee> {
  const { base, tokenizer } = await startOf(config);
  const { train, dev } = demonstrationsFor(config, catalogue);
  const rowsOf = (demonstrations: readonly Demonstration[]): TaughtRow[] =>
    demonstrations.flatMap((one) => {
      const { share, weight } = config.tasks[one.task] ?? { share: 0, weight: 0 };
      const row = share > 0 ? demonstrationRow(tokenizer, one, weight, base.config.maxPositions) : null;
      return row === null ? [] : [row];
    });
  const [trainRows, devRows] = [rowsOf(train), rowsOf(dev)];
  const { price, reading } = config.tasks;
  if (price.share + reading.share > 0) {
    trainRows.push(
      ...exerciseRows(catalogue, tokenizer, {
        goals: taughtGoals(catalogue, { ...config.teachers, seed: config.seed }).map(({ goal }) => goal),
        seed: config.seed,
        price: price.share > 0 ? price.weight : null,
        reading: reading.share > 0 ? reading.weight : null,
        maxPositions: base.config.maxPositions,
      }),
    );
  }
  if (trainRows.length === 0 || devRows.length === 0) {
    throw new InputError(
      "There is nothing to learn: no demonstration of a task with a weight fits the model.",
    );
  }
  const adapter =
    config.train === "model"
      ? undefined
      : freshAdapter(base.config, { ...config.train, rankStabilised: false }, config.seed);
  const policy = await Policy.create(base, {
    train: adapter ? "adapter" : "model",
    ...(adapter ? { adapter } : {}),
    batchTokens: config.batchTokens,
    workers: options.workers ?? 0,
  });
  const trainer = new Trainer(policy, trainerOptions(config, config.steps));
  const batches = new Batches(trainRows, config);
  return {
    trainer,
    iterations: config.steps,
    iterate: async (step) => {
      const report = await supervisedStep(trainer, batches.rowsOf(step), config.steps);
      options.onStep?.(report);
      return stepMetrics(report);
    },
    measure: async () => measuredMetrics(await devLosses(policy, devRows)),
    measureEvery: config.evaluateEvery,
    measuresFirst: false,
    checkpointEvery: config.checkpointEvery,
    quality: (measured) => -measured["dev/loss"]!,
    result: "best",
    patience: config.patience,
    save: (folder) => save(folder, config, policy),
    dispose: () => policy.dispose(),
  };
}

/** The model that a run starts from. */
async function startOf({ from, seed }: ImitateConfig): Promise<{ base: ModelFiles; tokenizer: Tokenizer }> {
  if (typeof from === "string") {
    const folder = findModel(from);
    const base = loadModel(folder);
    return { base, tokenizer: await loadTokenizer(folder, base.config) };
  }
  const shape = readModelConfig(from.random);
  const tokenizer = await loadTokenizer(from.tokenizer, readModelConfig(from.tokenizer));
  if (tokenizer.size > shape.vocabSize) {
    throw new InputError(
      `${from.random} has room for ${shape.vocabSize} tokens, and the tokenizer of ${from.tokenizer} has ${tokenizer.size}.`,
    );
  }
  return { base: initModel(shape, seed), tokenizer };
}

/** The weights as a model folder of its own; an adapter is saved beside it as well. */
function save(folder: string, { from }: ImitateConfig, policy: Policy): void {
  const { model, adapter } = policy.files();
  if (adapter) saveAdapter(join(folder, "adapter"), adapter);
  saveModel(folder, adapter ? mergeAdapter(model, adapter) : model, {
    dtype: "BF16",
    tokenizerFrom: typeof from === "string" ? findModel(from) : from.tokenizer,
  });
}

/**
 * Batches of about as many tokens, mixed from each task's rows by their shares; a task's rows come epoch after epoch, each
 * epoch in an order of its own. What a step's batch is depends on the configuration alone.
 */
export class Batches {
  private readonly batches: TaughtRow[][] = [];
  private readonly tasks: {
    readonly name: string;
    readonly share: number;
    readonly rows: readonly TaughtRow[];
  }[];
  private readonly left = new Map<string, { epoch: number; rows: TaughtRow[] }>();
  private readonly mixture: Random;

  constructor(
    rows: readonly TaughtRow[],
    private readonly config: Pick<ImitateConfig, "tokens" | "seed" | "tasks">,
  ) {
    this.tasks = Object.entries(config.tasks)
      .map(([name, { share }]) => ({ name, share, rows: rows.filter(({ task }) => task === name) }))
      .filter((task) => task.share > 0 && task.rows.length > 0);
    this.mixture = stream(config.seed, "mixture");
  }

  /** The rows of a step, from 1. */
  rowsOf(step: number): readonly TaughtRow[] {
    while (this.batches.length < step) this.batches.push(this.nextBatch());
    return this.batches[step - 1]!;
  }

  private nextBatch(): TaughtRow[] {
    const batch: TaughtRow[] = [];
    for (let tokens = 0; tokens < this.config.tokens;) {
      const row = this.nextRow();
      batch.push(row);
      tokens += packedLength(row);
    }
    return batch;
  }

  private nextRow(): TaughtRow {
    let at = this.mixture.next() * this.tasks.reduce((sum, { share }) => sum + share, 0);
    const task = this.tasks.find(({ share }) => (at -= share) < 0) ?? this.tasks[0]!;
    const left = this.left.get(task.name) ?? { epoch: 0, rows: [] };
    this.left.set(task.name, left);
    if (left.rows.length === 0) {
      left.rows = stream(this.config.seed, "epoch", task.name, left.epoch++).shuffle(task.rows);
    }
    return left.rows.pop()!;
  }
}

/** Weighted dev loss, and each task's own. */
async function devLosses(policy: Policy, rows: readonly TaughtRow[]): Promise<Measurement> {
  const scores = await scoresOf(policy, rows);
  const sums = new Map<string, { loss: number; rows: number }>();
  let loss = 0;
  let total = 0;
  rows.forEach((row, i) => {
    const own = rowLoss(row, scores[i]!);
    const sum = sums.get(row.task) ?? { loss: 0, rows: 0 };
    sums.set(row.task, { loss: sum.loss + own, rows: sum.rows + 1 });
    loss += row.weight * own;
    total += row.weight;
  });
  return {
    loss: loss / total,
    ...Object.fromEntries([...sums].map(([task, sum]) => [task, sum.loss / sum.rows])),
  };
}
