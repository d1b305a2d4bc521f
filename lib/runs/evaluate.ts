import { basename } from "node:path";
import type { Agent, Trajectory } from "../agents/index.js";
import { InputError, interruptSignal, RunError, stream } from "../base/index.js";
import type { Catalogue, Environment, Goal, SplitName } from "../simulator/index.js";
import {
  ACTIONS_FILE,
  actionsBytes,
  type EpisodeResult,
  type EvaluationIdentity,
  evaluationKind,
  Journal,
  keptEpisode,
  keyOf,
  lineOf,
  ownFolder,
  readRecord,
  recordFolders,
  type RunRecord,
  summarize,
  type Summary,
  type WriteOutcome,
  writeRecord,
} from "../records/index.js";
import { workThrough } from "./work-through.js";
import { type Cost, type Price, readCost, spent, usageFile } from "./cost.js";

/** Where the goals of a split lie: `first … first + count − 1` in the shuffled list. */
export interface GoalRange {
  readonly first: number;
  readonly count: number;
}

/** The agent, goals and settings of an evaluation. */
export interface EvaluateOptions {
  /** The agent, or how to get it for a seed (an agent trained once per seed) in the shop of this fingerprint. */
  readonly agent: Agent | ((seed: number, shop: string) => Agent | Promise<Agent>);
  readonly environment: Environment;
  readonly split: SplitName;
  /** The split's goals, all or the first of them. */
  readonly goals: GoalRange;
  /** Default `[0]`. Chance in an episode comes from `stream(seed, "evaluate", goal)` alone. */
  readonly seeds?: readonly number[];
  /** Plays even where a record matches. Default false. */
  readonly force?: boolean;
  /** Where records are read and written. Default: read in `runs` and `data/runs`, written in `runs`. */
  readonly runs?: string;
  /** Called after each episode. */
  readonly onEpisode?: (done: number, total: number) => void;
  /** When it is aborted, the episodes that were begun are ended and kept, and the evaluation ends with a `RunError`. */
  readonly signal?: AbortSignal;
  /** The cost of the model's tokens, for the record of an agent whose answers are counted. It does not enter the identity. */
  readonly price?: Price;
}

/** An evaluation and the record that holds it. */
export interface Evaluation {
  readonly agent: string;
  readonly summary: Summary;
  readonly record: RunRecord;
  /** The model's tokens and their cost; null for agents whose answers are not counted. */
  readonly cost: Cost | null;
  /** "read" when a record matched; otherwise what writing it did. */
  readonly outcome: "read" | WriteOutcome;
}

/**
 * Evaluates an agent on the goals of a split and writes a run record. A record of the same agent, settings, data,
 * goals, seeds, model and backend is read instead of playing again, unless `force`. An interrupted evaluation goes on
 * where it stopped: no finished episode of a remote model is ever asked for again.
 * @throws InputError when a goal lies outside the shop's list, or a matching record is not what it claims to be
 * @throws RunError when it was interrupted; whatever an agent throws
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation> {
  const { environment, split, goals, seeds = [0], runs = ownFolder } = options;
  const { catalogue } = environment;
  checkRange(goals, seeds, catalogue);
  const agents: Agent[] = [];
  for (const seed of seeds) {
    agents.push(
      typeof options.agent === "function" ? await options.agent(seed, catalogue.fingerprint) : options.agent,
    );
  }
  const identity = identityOf(agents, environment, split, goals, seeds);
  const id = evaluationKind.idOf(identity, keyOf(identity));
  // `aisle reproduce --force` says it to the notebooks' kernels by the environment.
  if (!(options.force ?? process.env["AISLE_FORCE"] === "1")) {
    const path = recordFolders(options.runs).find((folder) => basename(folder) === id);
    if (path) return evaluation(readRecord(path), "read", options.price);
  }

  const started = performance.now();
  const total = seeds.length * goals.count;
  const episodeAt = (index: number): { agent: Agent; seed: number; goal: number } => {
    const s = Math.floor(index / goals.count);
    return { agent: agents[s]!, seed: seeds[s]!, goal: goals.first + (index % goals.count) };
  };
  const { remote, together = 1 } = agents[0]!;
  const journal = new Journal(runs, id, remote ? 0 : undefined);
  if (options.force) journal.discard();
  const indexOf = (seed: number, goal: number): number =>
    seeds.indexOf(seed) * goals.count + goal - goals.first;
  const has = (seed: number, goal: number): boolean =>
    seeds.includes(seed) && goal >= goals.first && goal < goals.first + goals.count;
  const results: EpisodeResult[] = [];
  const lines: string[] = [];
  for (const { result, kept } of journal.read(has)) {
    const index = indexOf(result.seed, result.goal);
    [results[index], lines[index]] = [result, lineOf(kept)];
  }
  let done = Object.keys(results).length;
  const play = async (index: number): Promise<void> => {
    const { agent, seed, goal } = episodeAt(index);
    const trajectory = await agent.play(environment, goal, stream(seed, "evaluate", goal));
    const result = resultOf(trajectory, seed, catalogue.goal(goal));
    const kept = keptEpisode(trajectory, seed);
    [results[index], lines[index]] = [result, lineOf(kept)];
    journal.add({ result, kept });
    done += 1;
    options.onEpisode?.(done, total);
  };
  const missing = Array.from({ length: total }, (_, i) => i).filter((i) => !results[i]);
  try {
    await workThrough(missing, play, {
      concurrency: remote?.concurrency ?? together,
      signal: options.signal ?? interruptSignal(),
    });
  } finally {
    if (done < total) journal.flush();
  }
  if (done < total) {
    throw new RunError(
      `Interrupted after ${done} of ${total} episodes; the same command goes on from there.`,
    );
  }
  const seconds = (performance.now() - started) / 1000;
  const files = { ...usageFile(results, options.price), [ACTIONS_FILE]: actionsBytes(lines) };
  const { record, outcome } = writeRecord(
    { identity, results, seconds, files, tagger: environment.tagger },
    runs,
  );
  journal.discard();
  return evaluation(record, outcome, options.price);
}

function evaluation(record: RunRecord, outcome: Evaluation["outcome"], price?: Price): Evaluation {
  const cost = price ? spent(record.results, price) : readCost(record);
  return { agent: record.identity.agent.name, summary: summarize(record.results), record, cost, outcome };
}

function checkRange(goals: GoalRange, seeds: readonly number[], catalogue: Catalogue): void {
  if (seeds.length === 0 || new Set(seeds).size !== seeds.length) {
    throw new InputError("An evaluation needs at least one seed, and each seed once.");
  }
  if (goals.count < 1) throw new InputError("There is no goal in this split to evaluate on.");
  if (goals.first < 0 || goals.first + goals.count > catalogue.goalCount) {
    throw new InputError(
      `Goals ${goals.first} to ${goals.first + goals.count - 1} are asked for, but the shop has ${catalogue.goalCount}.`,
    );
  }
}

/** Everything that decides the numbers, and nothing else. */
function identityOf(
  agents: readonly Agent[],
  environment: Environment,
  split: SplitName,
  goals: GoalRange,
  seeds: readonly number[],
): EvaluationIdentity {
  const agent = agents[0]!;
  const settings = plain(agent.settings);
  if (agents.some((one) => one.name !== agent.name || keyOf(plain(one.settings)) !== keyOf(settings))) {
    throw new RangeError("The agents of all seeds must have the same name and settings.");
  }
  const models = agents.flatMap((one) => (one.model ? [one.model] : []));
  return {
    kind: "evaluation",
    protocol: 1,
    agent: { name: agent.name, settings },
    data: {
      fingerprint: environment.catalogue.fingerprint,
      products: environment.catalogue.size,
      goals: environment.catalogue.goalCount,
    },
    environment: plain({ ...environment.settings }),
    split,
    goals: { first: goals.first, count: goals.count },
    seeds: [...seeds],
    models: models.map(({ name, fingerprint }) => ({ name, fingerprint })),
    backend: models[0]?.backend ?? "none",
  };
}

/** Settings as they will be read back: without undefined members, functions or class instances. */
function plain(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
}

/** An episode as a record keeps it. */
export function resultOf(trajectory: Trajectory, seed: number, goal: Goal): EpisodeResult {
  const { parts } = trajectory;
  return {
    seed,
    goal: goal.index,
    reward: trajectory.reward,
    bought: parts !== null,
    steps: trajectory.steps.length,
    rType: parts?.rType ?? 0,
    rAtt: parts?.rAtt ?? 0,
    rOption: goal.options.length === 0 ? null : (parts?.rOption ?? 0),
    rPrice: parts?.rPrice ?? 0,
    attributes: goal.attributes.length,
    options: goal.options.length,
    ...(trajectory.usage ? { usage: trajectory.usage } : {}),
  };
}
