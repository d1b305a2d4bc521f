/**
 * A reinforcement-learning run: roll-outs → advantages → rows → update, again and again, with evaluation on dev goals,
 * metrics on disk, and a checkpoint from which it goes on to the same bits.
 */
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { checked, readJson, RunError, stream } from "../../base/index.js";
import {
  anchorMetrics,
  criticAdvantages,
  estimateAdvantages,
  type Group,
  learn,
  type Metrics,
  type Penalty,
  rolloutMetrics,
  rowsOf,
  ValueHead,
  warnings,
} from "../../grpo/index.js";
import type { Policy, Trainee, Trainer } from "../../policy/index.js";
import type { Foundations } from "../../records/index.js";
import { rewardFrom } from "../../rewards/index.js";
import type { Tokenizer } from "../../model/index.js";
import type { Environment } from "../../simulator/index.js";
import type { IterationClock } from "./clock.js";
import { evaluateDev, sampleGroups, trainGoals } from "./episodes.js";
import type { GrpoRun } from "./grpo-config.js";
import { foundationsOf } from "./origin.js";
import type { IterationReport, LoopSummary } from "./loop.js";

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
  readonly best: LoopSummary["best"];
  /** Folders with models in Hugging Face's layout. */
  readonly model: string;
}

export interface DevResult {
  readonly score: number;
  readonly success: number;
}

/** The opened parts of a run. */
interface Parts {
  readonly policy: Policy;
  readonly trainer: Trainer;
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
  const { config, environment, out, resume, onIteration, signal } = options;
  const { trainingLoop } = await import("./loop.js");
  const { trainee, from } = await openGrpo(config, environment, out);
  try {
    const ended = await trainingLoop({
      trainee,
      config,
      from,
      out,
      resume,
      onIteration,
      signal,
      warn: warnings,
    });
    return { ...ended, before: devOf(ended.before), after: devOf(ended.after) };
  } finally {
    await trainee.dispose();
  }
}

/** A run for the training loop, and what it begins from. */
export async function openGrpo(
  config: GrpoRun,
  environment: Environment,
  out: string,
): Promise<{ trainee: Trainee<IterationClock>; from: Foundations }> {
  const parts = await openParts(config, out);
  const { currentBackend } = await import("../../tensor/index.js");
  const goals = trainGoals(environment, config);
  return {
    from: foundationsOf(config.model, environment.catalogue, currentBackend()!),
    trainee: {
      trainer: parts.trainer,
      iterations: config.iterations,
      iterate: async (iteration, clock) => {
        const { groups, effort } = await sampleGroups(parts, environment, config, iteration, goals);
        clock.rolledOut();
        return { ...effort, ...(await learnFrom(groups, parts, config, iteration, clock)) };
      },
      measure: () => evaluateDev(parts, environment, config),
      measureEvery: config.evaluate.every,
      measuresFirst: true,
      checkpointEvery: config.checkpoint,
      quality: (measured) => measured["dev/score"]!,
      result: "last",
      save: parts.save,
      state: () => new Map(parts.critic ? [[CRITIC_FILE, JSON.stringify(parts.critic.state)]] : []),
      restore: (checkpoint) => {
        if (parts.critic) parts.critic = readCritic(checkpoint);
      },
      dispose: parts.dispose,
    },
  };
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
  const start = models.findModel(config.model);
  const model = models.loadModel(start);
  const tokenizer = await models.loadTokenizer(start, model.config);
  const adapter = config.lora
    ? library.freshAdapter(
        model.config,
        { ...config.lora, targets: config.lora.targets ?? models.projections, rankStabilised: false },
        config.seed,
      )
    : undefined;
  const policy = await library.Policy.create(model, {
    workers: config.workers,
    reference: config.learner.objective.kl !== null,
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
  return {
    policy,
    trainer,
    critic: config.learner.value ? ValueHead.fresh(model.config.hiddenSize) : null,
    tokenizer,
    save: (folder) => {
      const files = policy.files();
      models.saveModel(folder, files.model);
      if (files.adapter) models.saveAdapter(folder, files.adapter, config.model);
      for (const name of ["tokenizer.json", "tokenizer_config.json", "generation_config.json"]) {
        if (existsSync(join(start, name)))
          cpSync(join(start, name), join(folder, name), { dereference: true });
      }
    },
    dispose: () => policy.dispose(),
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
  const estimate = parts.critic
    ? await criticAdvantages(groups, parts.critic, parts.trainer, learner, penalty)
    : clock.ofAlgorithm(() => estimateAdvantages(groups, learner.advantage, { penalty }));
  const rows = clock.ofAlgorithm(() => rowsOf(groups, estimate.advantages, learner));
  const random = stream(config.seed, "mini-batches", iteration);
  const updated = await learn(rows, clock.watch(parts.trainer), learner, random);
  for (const [name, value] of Object.entries(updated)) {
    if (!Number.isFinite(value)) throw new RunError(`Metric ${name} of iteration ${iteration} is ${value}.`);
  }
  return {
    ...rolloutMetrics(groups, learner.sampling.maxTokens),
    ...reward.metrics(groups.flatMap(({ rollouts }) => rollouts)),
    ...(config.multiTurn ? anchorMetrics(groups) : {}),
    ...estimate.metrics,
    ...updated,
  };
}

function devOf(metrics: Metrics | null): DevResult | null {
  const [score, success] = [metrics?.["dev/score"], metrics?.["dev/success"]];
  return score === undefined || success === undefined ? null : { score, success };
}
