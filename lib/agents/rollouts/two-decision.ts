/**
 * Roll-outs of the two-decision protocol with our own policy, many goals and samples at once: all queries in one
 * batch, then all selections in one. Prompts that several samples share are computed once.
 */
import type { Group, Rollout, Turn } from "../../grpo/index.js";
import type { Policy, Sample, SampleRequest } from "../../policy/index.js";
import type { Tokenizer } from "../../model/index.js";
import type { Environment, Product } from "../../simulator/index.js";
import { Episode, resultsOn, searchAction } from "../episode.js";
import type { OptionMode } from "../options.js";
import { parseQuery, parseSelection, queryPrompt, selectPrompt } from "../prompts/index.js";
import { LISTED, purchase } from "../two-decision.js";
import type { Trajectory } from "../types.js";

/** How episodes are sampled. */
export interface RolloutOptions {
  /** Samples of each goal. */
  readonly samples: number;
  /** 0 takes the most likely tokens (evaluation). */
  readonly temperature: number;
  /** Most tokens of a query; a selection has at most four. */
  readonly maxTokens: number;
  readonly optionMode: OptionMode;
  readonly seed: number | string;
  /** Names this set of roll-outs, e.g. `["iteration", 7]`. Sample i of a goal is the same whatever else is in the batch. */
  readonly name: readonly (string | number)[];
}

/** An episode as the shop saw it and as the policy decided it. */
export interface PlayedRollout {
  readonly trajectory: Trajectory;
  readonly rollout: Rollout;
  /** What the policy wrote, as text. */
  readonly query: string;
  /** Position in the list that it chose, from 0; null when it had no list. */
  readonly selected: number | null;
}

/** A selection is a number of one or two digits and the end of the turn; one token more shows what else was said. */
const SELECTION_TOKENS = 4;

/** Plays `options.samples` episodes of each goal. `[goal][sample]` */
export async function rollOut(
  policy: Policy,
  tokenizer: Tokenizer,
  environment: Environment,
  goals: readonly number[],
  options: RolloutOptions,
): Promise<PlayedRollout[][]> {
  const { samples, temperature, seed, name } = options;
  const sampling = { temperature, seed, stop: tokenizer.eosIds };
  const instructionOf = (goal: number): string => environment.catalogue.goal(goal).instruction;

  const queryRequests: SampleRequest[] = goals.map((goal) => ({
    prompt: tokenizer.chat(queryPrompt(instructionOf(goal))),
    n: samples,
    name: [...name, goal, "query"],
  }));
  const queries = await policy.sample(queryRequests, { ...sampling, maxTokens: options.maxTokens });

  // Samples with the same query see the same list: they share a prompt, and with it most of the work.
  const waiting = new Map<string, Waiting>();
  const episodes = goals.map((goal, g) =>
    queries[g]!.map((sample): Open => {
      const query = parseQuery(tokenizer.decode(sample.ids, { skipSpecials: true }));
      const open: Open = { goal, query, sample, prompt: queryRequests[g]!.prompt, group: null, place: 0 };
      const key = `${goal}\u0000${query}`;
      let group = waiting.get(key);
      if (!group) {
        group = openList(environment, goal, query, tokenizer, [...name, goal, "select", query]);
        waiting.set(key, group);
      }
      if (group.listed.length > 0) {
        open.group = group;
        open.place = group.count++;
      }
      return open;
    }),
  );
  const lists = [...waiting.values()].filter((group) => group.count > 0);
  const selections =
    lists.length === 0
      ? []
      : await policy.sample(
          lists.map((group) => ({ prompt: group.prompt, n: group.count, name: group.name })),
          { ...sampling, maxTokens: SELECTION_TOKENS },
        );
  const samplesOf = new Map(lists.map((group, i) => [group, selections[i]!]));
  return episodes.map((row) =>
    row.map((open) =>
      finish(open, open.group && samplesOf.get(open.group)![open.place]!, tokenizer, options),
    ),
  );
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

/** A list of results that some samples are to choose from. */
interface Waiting {
  readonly episode: Episode;
  readonly listed: readonly Product[];
  readonly prompt: readonly number[];
  readonly name: readonly (string | number)[];
  count: number;
}

/** A sample whose query is known. */
interface Open {
  readonly goal: number;
  readonly query: string;
  readonly sample: Sample;
  readonly prompt: readonly number[];
  group: Waiting | null;
  place: number;
}

function openList(
  environment: Environment,
  goal: number,
  query: string,
  tokenizer: Tokenizer,
  name: readonly (string | number)[],
): Waiting {
  const episode = new Episode(environment, goal);
  const search = searchAction(query);
  if (search !== searchAction("")) episode.act(search);
  const listed = resultsOn(environment, episode.state).slice(0, LISTED);
  const prompt = tokenizer.chat(selectPrompt(episode.goal.instruction, query, listed));
  return { episode, listed, prompt, name, count: 0 };
}

function finish(
  open: Open,
  selection: Sample | null,
  tokenizer: Tokenizer,
  options: RolloutOptions,
): PlayedRollout {
  const queryTurn = turnOf(open.prompt, open.sample, 0, true);
  const { group } = open;
  if (!group || !selection) {
    const trajectory: Trajectory = { goal: open.goal, agent: "policy", steps: [], reward: 0, parts: null };
    return { trajectory, query: open.query, selected: null, rollout: rolloutOf([queryTurn], trajectory) };
  }
  const answer = tokenizer.decode(selection.ids, { skipSpecials: true });
  const { index, valid } = parseSelection(answer, group.listed.length);
  const product = group.listed[index]!;
  const trajectory = purchase(group.episode.fork(), product, options.optionMode, "policy");
  const selectTurn = turnOf(group.prompt, selection, trajectory.reward, valid);
  return {
    trajectory,
    query: open.query,
    selected: index,
    rollout: rolloutOf([queryTurn, selectTurn], trajectory),
  };
}

function turnOf(prompt: readonly number[], sample: Sample, reward: number, valid: boolean): Turn {
  return {
    promptIds: prompt,
    responseIds: sample.ids,
    oldLogProbs: sample.logProbs,
    reward,
    formatValid: valid,
    admissible: valid,
    truncated: sample.finish === "length",
  };
}

function rolloutOf(turns: readonly Turn[], trajectory: Trajectory): Rollout {
  return { turns, return: trajectory.reward, success: trajectory.reward === 1, score: trajectory.reward };
}
