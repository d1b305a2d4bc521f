/**
 * Roll-outs of the multi-turn protocol with our own policy: at every step all live episodes of all goals are sampled in one
 * batch, and prompts that begin with the same page are computed once up to where they differ (docs/multi-turn.md).
 */
import type { Rollout, Turn } from "../../grpo/index.js";
import type { Sample, Sampler } from "../../policy/index.js";
import type { Tokenizer } from "../../model/index.js";
import type { Environment } from "../../simulator/index.js";
import { Episode } from "../episode.js";
import {
  actContext,
  type ActOptions,
  type ActStep,
  fittingActPrompt,
  isAdmissible,
  pageText,
  repaired,
} from "../multi-turn.js";
import { actPromptHead, parseAction } from "../prompts/index.js";
import type { Trajectory } from "../types.js";
import { branchesAfter, type Branching } from "./branching.js";

/** How multi-turn episodes are sampled. */
export interface MultiTurnRolloutOptions {
  /** Samples of each goal. */
  readonly samples: number;
  /** 0 takes the most likely tokens (evaluation). */
  readonly temperature: number;
  /** Most tokens of an answer. */
  readonly maxTokens: number;
  /** An episode that has bought nothing after so many steps ends with a reward of 0. verl-agent: 15. */
  readonly maxSteps: number;
  readonly act: ActOptions;
  /**
   * Tells states apart by the chosen options, too: by default the shop's text does not show them, so that a page before and
   * after a choice looks the same (docs/multi-turn.md).
   */
  readonly anchorOptions?: boolean;
  /** Take a click that is not on the page as the most similar text there, if it is at least so similar. Default: never. */
  readonly repair?: number;
  /** ARPO: start fewer episodes and branch where the policy has become unsure. */
  readonly branching?: Branching;
  /** Where the episodes of each goal begin, in the goals' order; the goals' start by default. Their steps count against `maxSteps`. */
  readonly from?: readonly EpisodeStart[];
  readonly seed: number | string;
  /** Names this set of roll-outs, e.g. `["iteration", 7]`. Sample i of a goal is the same whatever else is in the batch. */
  readonly name: readonly (string | number)[];
}

/** An episode that was begun, from which others go on: one goal may have many, each with a name of its own for its chance. */
export interface EpisodeStart {
  readonly name: string | number;
  readonly episode: Episode;
  readonly steps: readonly ActStep[];
}

/** A multi-turn episode as the shop saw it and as the policy decided it. */
export interface PlayedEpisode {
  readonly trajectory: Trajectory;
  readonly rollout: Rollout;
}

/** An episode that is being played. */
export interface LiveEpisode {
  /** Position among the goal's samples; names its chance. */
  readonly number: number;
  readonly episode: Episode;
  readonly steps: ActStep[];
  readonly turns: Turn[];
  /** Mean entropy of the first tokens of each answer, in units of log(vocabulary). */
  readonly entropies: number[];
}

/** A goal and its episodes so far. */
export interface LiveGoal {
  readonly goal: number;
  /** Names its chance beyond the goal: what its start is called. */
  readonly start: readonly (string | number)[];
  readonly episodes: LiveEpisode[];
}

/** Plays `options.samples` episodes of each goal. `[goal][sample]` */
export async function rollOutMultiTurn(
  policy: Sampler,
  tokenizer: Tokenizer,
  environment: Environment,
  goals: readonly number[],
  options: MultiTurnRolloutOptions,
): Promise<PlayedEpisode[][]> {
  const { branching, from, samples, maxSteps, seed, name } = options;
  if (from && branching) throw new RangeError("Episodes that go on from somewhere do not branch.");
  const heads = new Map<string, readonly number[]>();
  const live = goals.map((goal, g): LiveGoal => {
    const count = branching ? Math.min(branching.initial, samples) : samples;
    const start = from?.[g];
    const episodes = Array.from({ length: count }, (_, i) =>
      start ? forked({ ...start, turns: [], entropies: [] }, i) : opened(environment, goal, i),
    );
    return { goal, start: start ? [start.name] : [], episodes };
  });
  const begun = (one: LiveEpisode): boolean => !one.episode.done && one.steps.length < maxSteps;
  for (;;) {
    const active = live.flatMap(({ goal, start, episodes }) =>
      episodes.filter(begun).map((one) => ({ goal, start, one })),
    );
    if (active.length > 0) await stepAll(active, policy, tokenizer, environment, options, heads);
    if (branching) {
      for (const group of live) {
        const stepped = active.filter(({ goal }) => goal === group.goal).map(({ one }) => one);
        const room = samples - group.episodes.length;
        const chance = { seed, name: [...name, "branch", group.goal] };
        const forks = branchesAfter(
          stepped.filter((one) => begun(one)),
          room,
          branching,
          chance,
        );
        for (const one of forks) group.episodes.push(forked(one, group.episodes.length));
        // Nobody left to branch from: what is left of the budget begins at the start.
        if (!group.episodes.some(begun)) {
          while (group.episodes.length < samples)
            group.episodes.push(opened(environment, group.goal, group.episodes.length));
        }
      }
    }
    if (!live.some(({ episodes }) => episodes.some(begun))) break;
  }
  return live.map(({ episodes }) => episodes.map(finished));
}

function opened(environment: Environment, goal: number, number: number): LiveEpisode {
  return { number, episode: new Episode(environment, goal), steps: [], turns: [], entropies: [] };
}

/** The same episode up to here, to go on with chance of its own. */
function forked(
  { episode, steps, turns, entropies }: Omit<LiveEpisode, "number" | "steps"> & Pick<EpisodeStart, "steps">,
  number: number,
): LiveEpisode {
  return {
    number,
    episode: episode.fork(),
    steps: [...steps],
    turns: [...turns],
    entropies: [...entropies],
  };
}

/** A prompt that some episodes have in common. */
interface Asked {
  readonly prompt: readonly number[];
  readonly shared: number;
  /** The goal, and what its start is called. */
  readonly place: readonly (string | number)[];
  readonly members: LiveEpisode[];
}

/** Asks the policy once for each of some live episodes and takes its actions in the shop. */
async function stepAll(
  active: readonly {
    readonly goal: number;
    readonly start: LiveGoal["start"];
    readonly one: LiveEpisode;
  }[],
  policy: Sampler,
  tokenizer: Tokenizer,
  environment: Environment,
  options: MultiTurnRolloutOptions,
  heads: Map<string, readonly number[]>,
): Promise<void> {
  const { act, maxTokens, temperature, seed, name } = options;
  const most = policy.config.maxPositions - maxTokens;
  const asked = new Map<string, Asked>();
  for (const { goal, start, one } of active) {
    const context = actContext(environment, one.episode.state, one.steps, act);
    let prompt: readonly number[] = [];
    const messages = fittingActPrompt(context, (tried) => (prompt = tokenizer.chat(tried)).length <= most);
    // Samples are named by goal, step and number: only equal prompts of one goal at one step are one request.
    const place = [goal, ...start];
    const key = `${place.join(" ")} ${one.turns.length} ${messages[0]!.content}`;
    const found = asked.get(key);
    if (found) found.members.push(one);
    else {
      const shared = sharedLength(prompt, actPromptHead(context), tokenizer, heads);
      asked.set(key, { prompt, shared, place, members: [one] });
    }
  }
  const requests = [...asked.values()];
  const sampled = await policy.sample(
    requests.map(({ prompt, shared, place, members }) => ({
      prompt,
      shared,
      n: members.length,
      numbers: members.map(({ number }) => number),
      name: [...name, ...place, "step", members[0]!.turns.length],
    })),
    { temperature, seed, stop: tokenizer.eosIds, maxTokens },
  );
  requests.forEach((request, r) =>
    request.members.forEach((one, m) => take(one, request, sampled[r]![m]!, policy, tokenizer, options)),
  );
}

/** Tokens that a prompt has in common with every prompt on its page. */
function sharedLength(
  prompt: readonly number[],
  head: string,
  tokenizer: Tokenizer,
  heads: Map<string, readonly number[]>,
): number {
  let ids = heads.get(head);
  if (!ids) heads.set(head, (ids = tokenizer.chat([{ role: "user", content: head }], { prompt: false })));
  let common = 0;
  while (common < prompt.length - 1 && prompt[common] === ids[common]) common += 1;
  return common;
}

/** Takes the action of an answer. What cannot be followed leaves the page as it is and costs a step (verl-agent). */
function take(
  one: LiveEpisode,
  { prompt, shared }: Asked,
  sample: Sample,
  policy: Sampler,
  tokenizer: Tokenizer,
  options: MultiTurnRolloutOptions,
): void {
  const { episode } = one;
  const { environment, state } = episode;
  const answer = tokenizer.decode(sample.ids, { skipSpecials: true });
  const { action: said, formatValid } = parseAction(answer, options.act.thought);
  const page = pageText(environment, state);
  const admissible = isAdmissible(environment, state, said);
  const mend = options.repair !== undefined && !admissible;
  const action = mend ? repaired(environment, state, said, options.repair!) : said;
  const { reward } = episode.act(action);
  one.steps.push({ page, action });
  one.entropies.push(firstEntropy(sample, policy.config.vocabSize));
  one.turns.push({
    promptIds: prompt,
    sharedTokens: shared,
    responseIds: sample.ids,
    oldLogProbs: sample.logProbs,
    reward,
    formatValid,
    admissible,
    truncated: sample.finish === "length",
    anchor: options.anchorOptions ? `${page}\n${chosen(state.options)}` : page,
  });
}

/** Chosen options in an order of their own, so that the order of choosing makes no difference. */
function chosen(options: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** ARPO looks at the first tokens of an answer only. */
const FIRST_TOKENS = 20;

function firstEntropy({ entropies }: Sample, vocabSize: number): number {
  const first = entropies.slice(0, FIRST_TOKENS);
  return first.reduce((sum, entropy) => sum + entropy, 0) / first.length / Math.log(vocabSize);
}

function finished({ episode, turns }: LiveEpisode): PlayedEpisode {
  const trajectory = episode.trajectory("policy");
  const { reward } = trajectory;
  return { trajectory, rollout: { turns, return: reward, success: reward === 1, score: reward } };
}
