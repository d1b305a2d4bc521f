/**
 * Roll-outs of the two-decision protocol with our own policy, many goals and samples at once: all queries in one
 * batch, then all choices in one (and options, where the policy chooses them). Prompts that several samples share are computed once.
 */
import { stream } from "../../base/index.js";
import type { Group, Rollout, Turn } from "../../grpo/index.js";
import type { Policy, Sample } from "../../policy/index.js";
import type { Tokenizer } from "../../model/index.js";
import type { Environment } from "../../simulator/index.js";
import type { OptionMode } from "../options.js";
import { encodeQuestion } from "../prompted/encode.js";
import { answerOf } from "../prompted/local.js";
import { type ChoiceRules, TwoDecisionPlay } from "../protocols/two-decision.js";
import type { Trajectory } from "../types.js";
import { turnOf } from "./turn.js";

/** How episodes are sampled. */
export interface RolloutOptions extends ChoiceRules {
  /** Samples of each goal. */
  readonly samples: number;
  /** 0 takes the most likely tokens (evaluation). */
  readonly temperature: number;
  /** Most tokens of a query; a choice has at most four. */
  readonly maxTokens: number;
  readonly optionMode: OptionMode;
  /** List the results in an order of each query's own, drawn from the seed. Default: in the search's. */
  readonly permuted?: boolean;
  readonly seed: number | string;
  /** Names this set of roll-outs, e.g. `["iteration", 7]`. Sample i of a goal is the same whatever else is in the batch. */
  readonly name: readonly (string | number)[];
}

/** An episode as the shop saw it and as the policy decided it. */
export interface PlayedRollout {
  readonly trajectory: Trajectory;
  readonly rollout: Rollout;
  /** The policy's answer, as text. */
  readonly query: string;
  /** Position in the list that it chose, from 0; null when it had no list. */
  readonly selected: number | null;
}

/** A choice is a number of one or two digits and the end of the turn; one token more shows what else was said. */
const NUMBER_TOKENS = 4;

/** Plays `options.samples` episodes of each goal. `[goal][sample]` */
export async function rollOut(
  policy: Policy,
  tokenizer: Tokenizer,
  environment: Environment,
  goals: readonly number[],
  options: RolloutOptions,
): Promise<PlayedRollout[][]> {
  const { samples, temperature, seed, name, listing, reading } = options;
  const sampling = { temperature, seed, stop: tokenizer.eosIds };

  const starts = goals.map(
    (goal) =>
      new TwoDecisionPlay(environment, goal, {
        options: options.optionMode,
        ...(listing ? { listing } : {}),
        ...(reading ? { reading } : {}),
        ...(options.permuted
          ? {
              order: (count, query) =>
                stream(seed, ...name, goal, "order", query).shuffle(
                  Array.from({ length: count }, (_, i) => i),
                ),
            }
          : {}),
      }),
  );
  const prompts = starts.map((start) => tokenizer.chat(start.ask()!.prompt));
  const queries = await policy.sample(
    goals.map((goal, g) => ({ prompt: prompts[g]!, n: samples, name: [...name, goal, "query"] })),
    { ...sampling, maxTokens: options.maxTokens },
  );
  const episodes = starts.map((start, g) =>
    queries[g]!.map((sample): Sampled => {
      const one: Sampled = { play: start.fork(), turns: [] };
      take(one, prompts[g]!, sample, tokenizer);
      return one;
    }),
  );

  // All choices in one batch, then an option of each that has any left, and so on. Samples that are asked the same share a prompt, and
  // with it most of the work.
  for (let asked = questionsOf(episodes.flat(), tokenizer); asked.length > 0;) {
    const answers = await policy.sample(
      asked.map(({ members, topic, request }) => ({
        ...request,
        n: members.length,
        name: [...name, members[0]!.play.goal, ...topic],
      })),
      { ...sampling, maxTokens: NUMBER_TOKENS },
    );
    asked.forEach(({ request, members }, i) =>
      members.forEach((one, m) => take(one, request.prompt, answers[i]![m]!, tokenizer)),
    );
    asked = questionsOf(episodes.flat(), tokenizer);
  }
  return episodes.map((row) => row.map(finished));
}

/** What some episodes of a goal are asked alike, and what names its chance. */
interface Asked {
  readonly topic: readonly string[];
  readonly request: ReturnType<typeof encodeQuestion>;
  readonly members: Sampled[];
}

function questionsOf(episodes: readonly Sampled[], tokenizer: Tokenizer): Asked[] {
  const asked = new Map<string, Asked>();
  for (const one of episodes) {
    const question = one.play.ask();
    if (!question) continue;
    const topic =
      question.task === "option"
        ? ["option", question.product.asin, question.group.name]
        : ["select", one.play.query!];
    const key = JSON.stringify([one.play.goal, topic]);
    const alike = asked.get(key);
    if (alike) alike.members.push(one);
    else asked.set(key, { topic, request: encodeQuestion(tokenizer, question), members: [one] });
  }
  return [...asked.values()];
}

/** Played roll-outs of one goal as groups of `size`, in order. */
export function groupsOf(
  goal: number,
  played: readonly { readonly rollout: Rollout }[],
  size: number,
): Group[] {
  const groups: Group[] = [];
  for (let i = 0; i < played.length; i += size) {
    groups.push({ task: String(goal), rollouts: played.slice(i, i + size).map(({ rollout }) => rollout) });
  }
  return groups;
}

/** An episode that is being played. */
interface Sampled {
  readonly play: TwoDecisionPlay;
  readonly turns: Turn[];
}

/** Takes a sampled answer in the shop and keeps it as a turn. */
function take(
  { play, turns }: Sampled,
  prompt: readonly number[],
  sample: Sample,
  tokenizer: Tokenizer,
): void {
  turns.push(turnOf(prompt, sample, play.answer(answerOf(sample, prompt.length, tokenizer))));
}

function finished({ play, turns }: Sampled): PlayedRollout {
  const trajectory = play.trajectory("policy");
  const { reward } = trajectory;
  return {
    trajectory,
    query: play.query!,
    selected: play.selected,
    rollout: { turns, return: reward, success: reward === 1, score: reward },
  };
}
