/** Measures of a model's two decisions, each on its own: on goals that it was not trained on. */
import { LISTED, type SelectQuestion, TwoDecisionPlay } from "../agents/index.js";
import { loadModel, loadTokenizer, type Tokenizer } from "../model/index.js";
import { Policy, type Sample } from "../policy/index.js";
import { type Catalogue, type Goal, openEnvironment, splitRanges } from "../simulator/index.js";
import { firstAffordable } from "./demonstrations/teachers.js";
import { plainQuery } from "./demonstrations/queries.js";
import { rewardOfMatched } from "./reward-of-purchase.js";

export interface MeasureOptions {
  /** Goal indices. */
  readonly goals: readonly number[];
  /** 0, the default, takes the likeliest tokens. */
  readonly temperature?: number;
  readonly seed?: number;
  /** Most tokens of a query. Default 32. */
  readonly maxTokens?: number;
}

/** Choices among lists of results, as fractions of the lists. */
export interface SelectionMeasure {
  /** The chosen product earns as much as any on the list. */
  readonly best: number;
  /** The same for always taking the first. */
  readonly bestOfFirst: number;
  /** The same for the first that can be afforded. */
  readonly bestOfAffordable: number;
  /** The same for a uniform draw. */
  readonly bestOfChance: number;
  /** The choice is the first that can be afforded. */
  readonly affordable: number;
  /** Mean reward of the choice, options by `match`, and of the list's best: [0, 1]. */
  readonly reward: number;
  readonly rewardOfBest: number;
  /** How often each place was chosen, and how often it was the first best: counts from place 1. */
  readonly chosenAt: readonly number[];
  readonly bestAt: readonly number[];
  /** Fraction of each place's choices that were best; NaN where it was never chosen. */
  readonly bestWhereChosen: readonly number[];
}

/** The result of `measureDecisions`. */
export interface DecisionMeasure {
  /** Fractions of the goals whose target is among the first ten results of a query. */
  readonly found: {
    readonly model: number;
    /** The instruction, price and all: the choice oracle's query. */
    readonly instruction: number;
    /** The instruction's own words that say something. */
    readonly plain: number;
  };
  /** On the lists of plain queries: the same lists for every model. */
  readonly onPlain: SelectionMeasure;
  /** On the lists of the model's own queries. */
  readonly onOwn: SelectionMeasure;
  /** The model's queries, in the order of the goals. */
  readonly queries: readonly string[];
}

/** Measures the query decision and, on two kinds of list, the selection. */
export async function measureDecisions(
  policy: Policy,
  tokenizer: Tokenizer,
  catalogue: Catalogue,
  { goals, temperature = 0, seed = 0, maxTokens = 32 }: MeasureOptions,
): Promise<DecisionMeasure> {
  const environment = openEnvironment(catalogue);
  const wishes = goals.map((index) => catalogue.goal(index));
  const sampling = { seed, temperature, stop: tokenizer.eosIds };
  const written = (samples: readonly (readonly Sample[])[]): string[] =>
    samples.map((own) => tokenizer.decode(own[0]!.ids, { skipSpecials: true }));
  const answers = written(
    await policy.sample(
      goals.map((goal) => ({
        prompt: tokenizer.chat(new TwoDecisionPlay(environment, goal).ask()!.prompt),
        name: ["measure", "query", goal],
      })),
      { ...sampling, maxTokens },
    ),
  );

  /** Episodes after these queries; those that found nothing have no choice to measure. */
  const select = async (name: string, plays: readonly TwoDecisionPlay[]): Promise<SelectionMeasure> => {
    const asked = plays.flatMap((play) => {
      const question = play.ask() as SelectQuestion | null;
      return question ? [{ play, question }] : [];
    });
    const chosen = written(
      await policy.sample(
        asked.map(({ play, question }) => ({
          prompt: tokenizer.chat(question.prompt),
          name: ["measure", name, play.goal],
        })),
        { ...sampling, maxTokens: 4 },
      ),
    );
    return selectionMeasure(
      catalogue,
      asked.map(({ play, question }, i) => {
        play.answer({ text: chosen[i]! });
        const listed = question.listed.map(({ asin }) => catalogue.indexOf(asin));
        return { goal: catalogue.goal(play.goal), listed, chosen: play.selected! };
      }),
    );
  };
  const after = (queryOf: (goal: Goal, i: number) => string): TwoDecisionPlay[] =>
    wishes.map((goal, i) => {
      const play = new TwoDecisionPlay(environment, goal.index);
      play.ask();
      play.answer({ text: queryOf(goal, i) });
      return play;
    });
  const own = after((_, i) => answers[i]!);
  const queries = own.map(({ query }) => query!);

  const found = (queryOf: (goal: Goal, i: number) => string): number =>
    wishes.filter((goal, i) => {
      const target = catalogue.indexOf(goal.asin);
      return catalogue.search(queryOf(goal, i), LISTED).some(({ index }) => index === target);
    }).length / wishes.length;

  return {
    found: {
      model: found((_, i) => queries[i]!),
      instruction: found(({ instruction }) => instruction),
      plain: found(plainQuery),
    },
    onPlain: await select("plain", after(plainQuery)),
    onOwn: await select("own", own),
    queries,
  };
}

/** `measureDecisions` of the model in a folder, greedily, on the first dev goals. */
export async function measureModel(
  folder: string,
  catalogue: Catalogue,
  goals = 200,
): Promise<DecisionMeasure> {
  const files = loadModel(folder);
  const tokenizer = await loadTokenizer(folder, files.config);
  const policy = await Policy.create(files, { train: "nothing" });
  try {
    const { start, end } = splitRanges(catalogue.goalCount).dev;
    const indices = Array.from({ length: Math.min(goals, end - start) }, (_, i) => start + i);
    return await measureDecisions(policy, tokenizer, catalogue, { goals: indices });
  } finally {
    await policy.dispose();
  }
}

/** A list of results and the place that was chosen, from 0. */
interface Choice {
  readonly goal: Goal;
  readonly listed: readonly number[];
  readonly chosen: number;
}

/** Rewards that differ by less are equal. */
const EQUAL = 1e-9;

function selectionMeasure(catalogue: Catalogue, choices: readonly Choice[]): SelectionMeasure {
  const mean = (of: (choice: Choice, rewards: readonly number[], most: number) => number): number =>
    rewarded.reduce((sum, { choice, rewards, most }) => sum + of(choice, rewards, most), 0) / rewarded.length;
  const rewarded = choices.map((choice) => {
    const rewards = choice.listed.map((index) => rewardOfMatched(catalogue, index, choice.goal));
    return { choice, rewards, most: Math.max(...rewards) };
  });
  const isBest = (rewards: readonly number[], most: number, at: number): number =>
    rewards[at]! >= most - EQUAL ? 1 : 0;
  const count = (at: (of: (typeof rewarded)[number]) => number): number[] => {
    const counts = Array.from({ length: LISTED }, () => 0);
    for (const one of rewarded) counts[at(one)]! += 1;
    return counts;
  };
  const chosenAt = count(({ choice }) => choice.chosen);
  const rightAt = Array.from({ length: LISTED }, () => 0);
  for (const { choice, rewards, most } of rewarded) {
    rightAt[choice.chosen]! += isBest(rewards, most, choice.chosen);
  }
  return {
    best: mean(({ chosen }, rewards, most) => isBest(rewards, most, chosen)),
    bestOfFirst: mean((_, rewards, most) => isBest(rewards, most, 0)),
    bestOfAffordable: mean(({ goal, listed }, rewards, most) =>
      isBest(rewards, most, firstAffordable(catalogue, goal, listed)),
    ),
    bestOfChance: mean(
      (_, rewards, most) => rewards.filter((one) => one >= most - EQUAL).length / rewards.length,
    ),
    affordable: mean(({ goal, listed, chosen }) =>
      chosen === firstAffordable(catalogue, goal, listed) ? 1 : 0,
    ),
    reward: mean(({ chosen }, rewards) => rewards[chosen]!),
    rewardOfBest: mean((_, __, most) => most),
    chosenAt,
    bestAt: count(({ rewards, most }) => rewards.findIndex((one) => one >= most - EQUAL)),
    bestWhereChosen: chosenAt.map((n, i) => rightAt[i]! / n),
  };
}
