/**
 * Is credit right? The value of a state can be sampled, because a session can be copied:
 *
 *   V(s) = mean reward of K fresh continuations from s        A*(s_t, a_t) = V(s_{t+1}) − V(s_t)
 *
 * where V of a finished episode is its reward. An algorithm's advantage is a cheap guess at A* from one group of episodes; the
 * correlation over decisions says how good a guess (the idea of Kazemnejad et al. 2024, "VinePPO", arXiv:2410.01679, used here to measure
 * credit and not to train).
 */
import {
  type EpisodeStart,
  MultiTurnPlay,
  type MultiTurnRules,
  PLAIN_FORM,
  type PlayedEpisode,
  rollOutMultiTurn,
} from "../agents/index.js";
import type { Sampler } from "../policy/index.js";
import type { Tokenizer } from "../model/index.js";
import type { Environment } from "../simulator/index.js";

export interface CreditOptions {
  /** Episodes of a goal. */
  readonly samples: number;
  /** K, fresh continuations from each state. */
  readonly continuations: number;
  readonly temperature: number;
  readonly maxTokens: number;
  readonly maxSteps: number;
  readonly repair?: number;
  readonly seed: number;
  readonly onGoal?: (done: number, total: number) => void;
}

/** A decision and the values of the states around it, for every scale of the reward. */
export interface JudgedTurn {
  /** The page on which it was taken (GiGPO's anchor). */
  readonly anchor: string;
  /** V before and after it, by the shop's score and by success alone. */
  readonly before: Value;
  readonly after: Value;
}

/** A value in score, [0, 1], and in the chance of success. */
export interface Value {
  readonly score: number;
  readonly success: number;
}

/** An episode of a goal with its decisions judged. */
export interface JudgedEpisode {
  readonly goal: number;
  readonly reward: number;
  readonly turns: readonly JudgedTurn[];
}

/** Plays `samples` episodes of each goal and judges every decision in them. `[goal][sample]` */
export async function judgeDecisions(
  policy: Sampler,
  tokenizer: Tokenizer,
  environment: Environment,
  goals: readonly number[],
  options: CreditOptions,
): Promise<JudgedEpisode[][]> {
  const { samples, continuations, onGoal, repair, maxSteps, ...rest } = options;
  const rules = { form: PLAIN_FORM, maxSteps, ...(repair === undefined ? {} : { repair }) };
  const how = { ...rest, ...rules };
  const judged: JudgedEpisode[][] = [];
  for (const goal of goals) {
    const [played] = await rollOutMultiTurn(policy, tokenizer, environment, [goal], {
      ...how,
      samples,
      name: ["credit"],
    });
    const states = statesOf(environment, goal, played!, rules);
    const starts = [...states.values()];
    const ends = await rollOutMultiTurn(
      policy,
      tokenizer,
      environment,
      starts.map(() => goal),
      { ...how, samples: continuations, name: ["credit", "continued"], from: starts },
    );
    const values = new Map(
      starts.map(({ name }, i) => [name, meanValue(ends[i]!.map(({ trajectory }) => trajectory.reward))]),
    );
    judged.push(played!.map((episode) => judgedEpisode(goal, episode, values)));
    onGoal?.(judged.length, goals.length);
  }
  return judged;
}

/** A state is named by what was done before: episodes that did the same are in one state, and judged once. */
const nameOf = (actions: readonly string[]): string => JSON.stringify(actions);

/** Every state in which a decision of some episodes was taken, each once. */
function statesOf(
  environment: Environment,
  goal: number,
  played: readonly PlayedEpisode[],
  rules: MultiTurnRules,
): Map<string, EpisodeStart> {
  const states = new Map<string, EpisodeStart>();
  for (const { trajectory } of played) {
    const play = new MultiTurnPlay(environment, goal, rules);
    const actions: string[] = [];
    for (const { action } of trajectory.steps) {
      const name = nameOf(actions);
      if (!states.has(name)) states.set(name, { name, play: play.fork() });
      actions.push(action);
      play.take(action);
    }
  }
  return states;
}

function judgedEpisode(
  goal: number,
  { trajectory, rollout }: PlayedEpisode,
  values: ReadonlyMap<string | number, Value>,
): JudgedEpisode {
  const actions = trajectory.steps.map(({ action }) => action);
  const end = meanValue([trajectory.reward]);
  const valueAt = (t: number): Value =>
    t === actions.length ? end : values.get(nameOf(actions.slice(0, t)))!;
  return {
    goal,
    reward: trajectory.reward,
    turns: rollout.turns.map(({ anchor }, t) => ({
      anchor: anchor!,
      before: valueAt(t),
      after: valueAt(t + 1),
    })),
  };
}

function meanValue(rewards: readonly number[]): Value {
  const mean = (of: (reward: number) => number): number =>
    rewards.reduce((sum, reward) => sum + of(reward), 0) / rewards.length;
  return { score: mean((reward) => reward), success: mean((reward) => Number(reward === 1)) };
}
