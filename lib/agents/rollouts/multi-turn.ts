/**
 * Roll-outs of the multi-turn protocol with our own policy: at every step all live episodes of all goals are sampled in one
 * batch, and prompts that begin with the same page are computed once up to where they differ (docs/multi-turn.md).
 */
import type { Rollout, Turn } from "../../grpo/index.js";
import type { Sample, Sampler } from "../../policy/index.js";
import type { Tokenizer } from "../../model/index.js";
import type { Environment } from "../../simulator/index.js";
import { answerOf } from "../prompted/local.js";
import { multiTurnPromptHead } from "../prompts/index.js";
import { type ActQuestion, MultiTurnPlay, type MultiTurnRules } from "../protocols/multi-turn.js";
import type { Trajectory } from "../types.js";
import { branchesAfter, type Branching } from "./branching.js";
import { turnOf } from "./turn.js";

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
  /** The content of a prompt and the form of its answer. */
  readonly form: MultiTurnRules["form"];
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

/**
 * An episode that was begun, from which others go on: one goal may have many, each with a name of its own for its random stream. It
 * goes on by its own rules.
 */
export interface EpisodeStart {
  readonly name: string | number;
  readonly play: MultiTurnPlay;
}

/** A multi-turn episode as the shop saw it and as the policy decided it. */
export interface PlayedEpisode {
  readonly trajectory: Trajectory;
  readonly rollout: Rollout;
}

/** An episode that is being played. */
export interface LiveEpisode {
  /** Position among the goal's samples; names its random stream. */
  readonly number: number;
  readonly play: MultiTurnPlay;
  readonly turns: Turn[];
  /** Mean entropy of the first tokens of each answer, in units of log(vocabulary). */
  readonly entropies: number[];
}

/** A goal and its episodes so far. */
export interface LiveGoal {
  readonly goal: number;
  /** Names its random stream beside the goal: the name of its start. */
  readonly start: readonly (string | number)[];
  /** Where its episodes begin. */
  readonly first: MultiTurnPlay;
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
  const { branching, from, samples, seed, name } = options;
  if (from && branching) throw new RangeError("Episodes that go on from somewhere do not branch.");
  const { form, maxSteps, repair } = options;
  const rules = { form, maxSteps, ...(repair === undefined ? {} : { repair }) };
  const heads = new Map<string, readonly number[]>();
  const live = goals.map((goal, g): LiveGoal => {
    const count = branching ? Math.min(branching.initial, samples) : samples;
    const start = from?.[g];
    const first = start?.play ?? new MultiTurnPlay(environment, goal, rules);
    const episodes = Array.from({ length: count }, (_, i) => opened(first, i));
    return { goal, start: start ? [start.name] : [], first, episodes };
  });
  const begun = ({ play }: LiveEpisode): boolean => !play.over;
  for (;;) {
    const active = live.flatMap(({ goal, start, episodes }) =>
      episodes.filter(begun).map((one) => ({ goal, start, one })),
    );
    if (active.length > 0) await stepAll(active, policy, tokenizer, options, heads);
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
        // No episode is left to branch from: the rest of the budget begins at the start.
        if (!group.episodes.some(begun)) {
          while (group.episodes.length < samples)
            group.episodes.push(opened(group.first, group.episodes.length));
        }
      }
    }
    if (!live.some(({ episodes }) => episodes.some(begun))) break;
  }
  return live.map(({ episodes }) => episodes.map(finished));
}

function opened(first: MultiTurnPlay, number: number): LiveEpisode {
  return { number, play: first.fork(), turns: [], entropies: [] };
}

/** The same episode up to here, to go on with a random stream of its own. */
function forked({ play, turns, entropies }: LiveEpisode, number: number): LiveEpisode {
  return { number, play: play.fork(), turns: [...turns], entropies: [...entropies] };
}

/** A prompt that some episodes have in common. */
interface Asked {
  readonly prompt: readonly number[];
  readonly shared: number;
  /** The goal, and the name of its start. */
  readonly place: readonly (string | number)[];
  readonly members: LiveEpisode[];
}

/** Samples one answer for each of some unfinished episodes and takes its action in the shop. */
async function stepAll(
  active: readonly {
    readonly goal: number;
    readonly start: LiveGoal["start"];
    readonly one: LiveEpisode;
  }[],
  policy: Sampler,
  tokenizer: Tokenizer,
  options: MultiTurnRolloutOptions,
  heads: Map<string, readonly number[]>,
): Promise<void> {
  const { maxTokens, temperature, seed, name } = options;
  const most = policy.config.maxPositions - maxTokens;
  const asked = new Map<string, Asked>();
  for (const { goal, start, one } of active) {
    let ids = null as readonly number[] | null;
    const { context, prompt } = one.play.ask((tried) => (ids = tokenizer.chat(tried)).length <= most)!;
    // Samples are named by goal, step and number: only equal prompts of one goal at one step are one request.
    const place = [goal, ...start];
    const key = `${place.join(" ")} ${one.turns.length} ${prompt[0]!.content}`;
    const found = asked.get(key);
    if (found) found.members.push(one);
    else {
      ids ??= tokenizer.chat(prompt); // of a fork, which is asked what its origin was asked
      const shared = sharedLength(ids, multiTurnPromptHead(context), tokenizer, heads);
      asked.set(key, { prompt: ids, shared, place, members: [one] });
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

/** Takes a sampled answer in the shop and keeps it as a turn. */
function take(
  one: LiveEpisode,
  { prompt, shared }: Asked,
  sample: Sample,
  policy: Sampler,
  tokenizer: Tokenizer,
  { anchorOptions }: MultiTurnRolloutOptions,
): void {
  const { page } = one.play.ask() as ActQuestion;
  const { options } = one.play.state;
  const answered = one.play.answer(answerOf(sample, prompt.length, tokenizer));
  one.entropies.push(firstEntropy(sample, policy.config.vocabSize));
  one.turns.push({
    ...turnOf(prompt, sample, answered),
    sharedTokens: shared,
    anchor: anchorOptions ? `${page}\n${chosen(options)}` : page,
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

function finished({ play, turns }: LiveEpisode): PlayedEpisode {
  const trajectory = play.trajectory("policy");
  const { reward } = trajectory;
  return { trajectory, rollout: { turns, return: reward, success: reward === 1, score: reward } };
}
