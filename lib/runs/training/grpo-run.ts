/**
 * A reinforcement-learning run: roll-outs → advantages → rows → update, again and again, with evaluation on dev goals,
 * metrics on disk, and a checkpoint from which it goes on to the same bits.
 */
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import {
  checked,
  interruptSignal,
  isAborted,
  readJson,
  RunError,
  stream,
  writeJson,
} from "../../base/index.js";
import {
  anchorMetrics,
  criticAdvantages,
  estimateAdvantages,
  type Group,
  learn,
  type Learner,
  type Metrics,
  type Penalty,
  rolloutMetrics,
  rowsOf,
  ValueHead,
  warnings,
} from "../../grpo/index.js";
import type { Policy, Trainer } from "../../policy/index.js";
import { rewardFrom } from "../../rewards/index.js";
import type { Tokenizer } from "../../model/index.js";
import type { Environment } from "../../simulator/index.js";
import { IterationClock, type IterationTimes } from "./clock.js";
import { evaluateDev, sampleGroups, trainGoals } from "./episodes.js";
import type { GrpoRun } from "./grpo-config.js";
import { foundationsOf } from "./origin.js";
import { type Progress, RunFolder } from "./run-folder.js";

/** One iteration, finished. Metrics repeat to the bit; seconds do not and are kept apart. */
export interface IterationReport {
  readonly iteration: number;
  readonly iterations: number;
  readonly metrics: Metrics;
  readonly seconds: IterationTimes;
  /** What the curves warn of, in words. */
  readonly warnings: readonly string[];
}

export interface GrpoRunOptions {
  readonly config: GrpoRun;
  readonly environment: Environment;
  /** Folder of the run. */
  readonly out: string;
  /** Go on from the last checkpoint where there is one; otherwise begin afresh. */
  readonly resume: boolean;
  readonly onIteration?: (report: IterationReport) => void;
  /** Stops after the iteration that runs, with a checkpoint. Default: in a notebook the signal of the cell, which then says so. */
  readonly signal?: AbortSignal;
}

/** How a run ended. */
export interface GrpoSummary {
  readonly iterations: number;
  readonly finished: boolean;
  /** Dev score and success in per cent before the first and after the last iteration, and the best. */
  readonly before: DevResult | null;
  readonly after: DevResult | null;
  readonly best: Progress["best"];
  /** Folders with models in Hugging Face's layout. */
  readonly model: string;
}

export interface DevResult {
  readonly score: number;
  readonly success: number;
}

/** What a run works with, opened. */
interface Parts {
  readonly policy: Policy;
  readonly trainer: Trainer;
  readonly learner: Learner;
  /** For PPO. It is replaced where a run goes on. */
  critic: ValueHead | null;
  readonly tokenizer: Tokenizer;
  readonly save: (folder: string) => void;
  readonly dispose: () => Promise<void>;
}

/**
 * Runs (or goes on with) a configuration.
 * @throws InputError when the model, the shop or an earlier run does not fit
 * @throws RunError when a loss is not finite (the batch is dumped) or a file cannot be written
 */
export async function runGrpo(options: GrpoRunOptions): Promise<GrpoSummary> {
  const { config, environment, out, onIteration } = options;
  // In a notebook without one: that of the cell.
  const signal = options.signal ?? interruptSignal();
  const folder = new RunFolder(out);
  const earlier = options.resume ? folder.progress() : null;
  const parts = await openParts(config, out);
  try {
    const { currentBackend } = await import("../../tensor/index.js");
    const policy = await import("../../policy/index.js");
    const from = foundationsOf(config.model, environment.catalogue, currentBackend()!);
    if (earlier) folder.goOn(config, earlier, from);
    else folder.begin(config, from);
    let progress: Progress = earlier ?? { format: "aisle-run-1", iteration: 0, checkpoint: "", best: null };
    if (earlier) {
      const checkpoint = folder.checkpointPath(earlier.checkpoint);
      policy.resumeCheckpoint(checkpoint, parts.trainer);
      if (parts.critic) parts.critic = readCritic(checkpoint);
    }
    const history = folder.metrics<Metrics>();
    const goals = trainGoals(environment, config);

    for (let iteration = progress.iteration + 1; iteration <= config.iterations; iteration++) {
      if (iteration === 1 && history.length === 0) {
        const metrics = { iteration: 0, ...(await evaluateDev(parts, environment, config)) };
        folder.append("metrics.jsonl", metrics);
        history.push(metrics);
      }
      const clock = new IterationClock();
      const { groups, effort } = await sampleGroups(parts, environment, config, iteration, goals);
      clock.rolledOut();
      const learned = await learnFrom(groups, parts, config, iteration, clock);
      clock.learned();
      const due = iteration % config.evaluate.every === 0 || iteration === config.iterations;
      const dev = due ? await evaluateDev(parts, environment, config) : {};
      const metrics: Metrics = { iteration, ...effort, ...learned, ...dev };
      const seconds = clock.end();
      folder.append("metrics.jsonl", metrics);
      folder.append("timing.jsonl", { iteration, ...seconds });
      history.push(metrics);
      onIteration?.({
        iteration,
        iterations: config.iterations,
        metrics,
        seconds,
        warnings: warnings(history.filter((m) => (m["iteration"] ?? 0) > 0)),
      });
      const score = metrics["dev/score"];
      if (score !== undefined && score > (progress.best?.score ?? -Infinity)) {
        progress = { ...progress, best: { iteration, score } };
        parts.save(join(out, "best"));
      }
      const stop = await isAborted(signal);
      if (iteration % config.checkpoint === 0 || iteration === config.iterations || stop) {
        progress = saveAt(folder, parts, policy.saveCheckpoint, { ...progress, iteration });
      }
      if (stop) {
        if (!options.signal)
          process.stderr.write(
            `Interrupted: training stopped after iteration ${iteration} of ${config.iterations}; its checkpoint is in ${out}, and resume goes on from it.\n`,
          );
        break;
      }
    }
    const finished = progress.iteration >= config.iterations;
    if (finished) parts.save(join(out, "model"));
    return {
      iterations: progress.iteration,
      finished,
      before: devOf(history[0]),
      after: devOf([...history].reverse().find((metrics) => "dev/score" in metrics)),
      best: progress.best,
      model: join(out, finished ? "model" : "best"),
    };
  } finally {
    await parts.dispose();
  }
}

function saveAt(
  folder: RunFolder,
  parts: Parts,
  saveCheckpoint: (path: string, trainer: Trainer) => void,
  progress: Omit<Progress, "checkpoint">,
): Progress {
  const checkpoint = `iteration-${String(progress.iteration).padStart(6, "0")}`;
  const path = folder.checkpointPath(checkpoint);
  saveCheckpoint(path, parts.trainer);
  if (parts.critic) writeJson(join(path, CRITIC_FILE), parts.critic.state);
  const moved = { ...progress, checkpoint };
  folder.moveTo(moved);
  return moved;
}

const CRITIC_FILE = "value-head.json";

const CriticFile = z.strictObject({
  weights: z.array(z.number()),
  first: z.array(z.number()),
  second: z.array(z.number()),
  steps: z.number().int().nonnegative(),
});

/** @throws InputError when the checkpoint has no critic that can go on */
function readCritic(checkpoint: string): ValueHead {
  const path = join(checkpoint, CRITIC_FILE);
  return ValueHead.from(checked(CriticFile, readJson(path, "critic of a checkpoint"), path));
}

async function openParts(config: GrpoRun, dumpFolder: string): Promise<Parts> {
  const models = await import("../../model/index.js");
  const library = await import("../../policy/index.js");
  const model = models.loadModel(config.model);
  const tokenizer = await models.loadTokenizer(config.model, model.config);
  const adapter = config.lora
    ? library.freshAdapter(
        model.config,
        { ...config.lora, targets: config.lora.targets ?? models.projections, rankStabilised: false },
        config.seed,
      )
    : undefined;
  const policy = await library.Policy.create(model, {
    workers: config.workers,
    ...(adapter ? { adapter } : {}),
  });
  const { update } = config.learner;
  const trainer = new library.Trainer(policy, {
    learningRate: update.learningRate,
    betas: [update.beta1, update.beta2],
    weightDecay: update.weightDecay,
    maxGradNorm: update.maxGradNorm,
    schedule: { kind: update.schedule, warmUp: update.warmupSteps, steps: stepsOf(config) },
    checkpoint: config.recompute ? "layer" : "none",
    seed: config.seed,
    dumpFolder,
  });
  // Without an adapter to switch off, the reference is a second copy of where the run began.
  const needsReference = config.learner.objective.kl !== null && !adapter;
  const reference = needsReference
    ? await library.Policy.create(models.loadModel(config.model), { train: "nothing" })
    : null;
  const learner: Learner = {
    step: (rows, slopes, options) => trainer.step(rows, slopes, options),
    logProbs: (rows, options) =>
      options.adapter === "off" && reference
        ? reference.logProbs(rows, { temperature: options.temperature })
        : policy.logProbs(rows, options),
    states: async (rows) =>
      (await policy.logProbs(rows, { states: true })).map((row) => row.map(({ state }) => state!)),
  };
  return {
    policy,
    trainer,
    learner,
    critic: config.learner.value ? ValueHead.fresh(model.config.hiddenSize) : null,
    tokenizer,
    save: (folder) => {
      const files = policy.files();
      models.saveModel(folder, files.model);
      if (files.adapter) models.saveAdapter(folder, files.adapter, config.model);
      for (const name of ["tokenizer.json", "tokenizer_config.json", "generation_config.json"]) {
        if (existsSync(join(config.model, name))) cpSync(join(config.model, name), join(folder, name));
      }
    },
    dispose: async () => {
      await policy.dispose();
      await reference?.dispose();
    },
  };
}

/** Optimiser steps of the whole run, for schedules that fall; mini-batches are counted as if every row counted. */
function stepsOf({ iterations, learner }: GrpoRun): number {
  // An episode of two decisions has two rows; the rows of multi-turn episodes are not known beforehand, so there a schedule
  // that falls may not be combined with mini-batches (parseGrpoRun).
  const rows = 2 * learner.groups.tasks * learner.groups.perTask * learner.groups.size;
  const batches = learner.update.miniBatchRows ? Math.ceil(rows / learner.update.miniBatchRows) : 1;
  return iterations * learner.update.epochs * batches;
}

async function learnFrom(
  groups: readonly Group[],
  parts: Parts,
  config: GrpoRun,
  iteration: number,
  clock: IterationClock,
): Promise<Metrics> {
  const { learner } = config;
  const reward = rewardFrom(learner.reward, learner.sampling.maxTokens);
  const penalty: Penalty = (turn) => reward.penalty(turn);
  const judged = parts.critic
    ? await criticAdvantages(groups, parts.critic, parts.learner, learner, penalty)
    : clock.ofAlgorithm(() => estimateAdvantages(groups, learner.advantage, { penalty }));
  const rows = clock.ofAlgorithm(() => rowsOf(groups, judged.advantages, learner));
  const random = stream(config.seed, "mini-batches", iteration);
  const updated = await learn(rows, clock.watch(parts.learner), learner, random);
  for (const [name, value] of Object.entries(updated)) {
    if (!Number.isFinite(value)) throw new RunError(`Metric ${name} of iteration ${iteration} is ${value}.`);
  }
  return {
    ...rolloutMetrics(groups, learner.sampling.maxTokens),
    ...reward.metrics(groups.flatMap(({ rollouts }) => rollouts)),
    ...(config.multiTurn ? anchorMetrics(groups) : {}),
    ...judged.metrics,
    ...updated,
  };
}

function devOf(metrics: Metrics | undefined): DevResult | null {
  const [score, success] = [metrics?.["dev/score"], metrics?.["dev/success"]];
  return score === undefined || success === undefined ? null : { score, success };
}
