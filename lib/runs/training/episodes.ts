/** The episodes of a run, by either protocol: groups to learn from, and the measurement on dev goals. */
import {
  groupsOf,
  type PlayedEpisode,
  type PlayedRollout,
  rollOut,
  rollOutMultiTurn,
} from "../../agents/index.js";
import { InputError, stream } from "../../base/index.js";
import { type Group, hasZeroVariance, type Metrics, type Rollout } from "../../grpo/index.js";
import type { Policy } from "../../policy/index.js";
import { type Reward, rewardFrom } from "../../rewards/index.js";
import type { Tokenizer } from "../../model/index.js";
import { type Environment, splitRanges } from "../../simulator/index.js";
import type { GrpoRun } from "./grpo-config.js";

/** The policy and the shop that play. */
export interface Player {
  readonly policy: Policy;
  readonly tokenizer: Tokenizer;
}

type Played = PlayedRollout | PlayedEpisode;

/** The differences between learning and measuring. */
interface Play {
  readonly samples: number;
  readonly temperature: number;
  readonly name: readonly (string | number)[];
  /** Fork episodes and permute lists where the run does. */
  readonly learning: boolean;
}

/** Plays goals by the run's protocol. `[goal][sample]` */
function play(
  { policy, tokenizer }: Player,
  environment: Environment,
  config: GrpoRun,
  goals: readonly number[],
  { samples, temperature, name, learning }: Play,
): Promise<Played[][]> {
  const { seed, multiTurn } = config;
  const common = { samples, temperature, maxTokens: config.learner.sampling.maxTokens, seed, name };
  if (!multiTurn) {
    const { listing, reading, permuted = false } = config;
    return rollOut(policy, tokenizer, environment, goals, {
      ...common,
      optionMode: config.options,
      ...(listing ? { listing } : {}),
      ...(reading ? { reading } : {}),
      permuted: permuted && learning,
    });
  }
  const { maxSteps, history, observations, thought, anchors, repair, branching } = multiTurn;
  return rollOutMultiTurn(policy, tokenizer, environment, goals, {
    ...common,
    maxSteps,
    form: { history, observations, thought },
    anchorOptions: anchors === "page and options",
    ...(repair === undefined ? {} : { repair }),
    ...(learning && branching ? { branching } : {}),
  });
}

/** The goals of an iteration's batch: the train goals in a shuffled order, over and over. */
export function trainGoals(environment: Environment, config: GrpoRun): (batch: number) => number[] {
  const { start, end } = splitRanges(environment.catalogue.goalCount).train;
  const { tasks } = config.learner.groups;
  const all = Array.from({ length: end - start }, (_, i) => start + i);
  if (all.length < tasks) {
    throw new InputError(
      `The shop has ${all.length} train goals, fewer than the ${tasks} tasks of an iteration: make a larger shop or lower groups.tasks.`,
    );
  }
  const perEpoch = Math.floor(all.length / tasks);
  return (batch) => {
    const order = stream(config.seed, "tasks", Math.floor(batch / perEpoch)).shuffle(all);
    const at = (batch % perEpoch) * tasks;
    return order.slice(at, at + tasks);
  };
}

/** The groups of an iteration, and what they took. */
export interface SampledGroups {
  readonly groups: readonly Group[];
  /** `rollouts`: episodes that were played, those of dropped groups too. `env_steps`: decisions taken in the shop for them. */
  readonly effort: Metrics;
}

/**
 * The groups of an iteration. With `resample`, groups of equal returns are replaced by others until there are enough or
 * `maxBatches` were sampled; what there is then is used.
 */
export async function sampleGroups(
  parts: Player,
  environment: Environment,
  config: GrpoRun,
  iteration: number,
  goalsOf: (batch: number) => number[],
): Promise<SampledGroups> {
  const { groups, sampling } = config.learner;
  const reward = rewardFrom(config.learner.reward, sampling.maxTokens);
  const wanted = groups.tasks * groups.perTask;
  const tries = groups.zeroVariance === "resample" ? groups.maxBatches : 1;
  const kept: Group[] = [];
  let last: Group[] = [];
  let rollouts = 0;
  // A decision that branches share was taken once: it is one sample, in the trajectories of all of them.
  const decisions = new Set<readonly number[]>();
  for (let attempt = 0; attempt < tries && kept.length < wanted; attempt++) {
    const goals = goalsOf((iteration - 1) * tries + attempt);
    const played = await play(parts, environment, config, goals, {
      samples: groups.perTask * groups.size,
      temperature: sampling.temperature,
      name: ["rollout", iteration, attempt],
      learning: true,
    });
    for (const { rollout } of played.flat()) {
      rollouts += 1;
      for (const { responseIds } of rollout.turns) decisions.add(responseIds);
    }
    last = goals.flatMap((goal, g) => groupsOf(goal, rewarded(played[g]!, reward), groups.size));
    kept.push(
      ...(groups.zeroVariance === "resample" ? last.filter((group) => !hasZeroVariance(group)) : last),
    );
  }
  return {
    groups: kept.length > 0 ? kept.slice(0, wanted) : last,
    effort: { rollouts, env_steps: decisions.size },
  };
}

/** Returns and step rewards as the run's reward has them. */
function rewarded(played: readonly Played[], reward: Reward): { readonly rollout: Rollout }[] {
  return played.map(({ rollout }) => ({
    rollout: {
      ...rollout,
      return: reward.ofOutcome(rollout),
      turns: rollout.turns.map((turn) => ({ ...turn, reward: reward.ofOutcome({ score: turn.reward }) })),
    },
  }));
}

/** Score and success on the first dev goals, decoded greedily. */
export async function evaluateDev(
  parts: Player,
  environment: Environment,
  config: GrpoRun,
): Promise<Metrics> {
  const { start, end } = splitRanges(environment.catalogue.goalCount).dev;
  const goals = Array.from({ length: Math.min(end - start, config.evaluate.goals) }, (_, i) => start + i);
  const played = await play(parts, environment, config, goals, {
    samples: 1,
    temperature: 0,
    name: ["dev"],
    learning: false,
  });
  const rewards = played.map(([one]) => one!.trajectory.reward);
  return {
    "dev/score": (100 * rewards.reduce((a, b) => a + b, 0)) / rewards.length,
    "dev/success": (100 * rewards.filter((reward) => reward === 1).length) / rewards.length,
  };
}
