/**
 * `actions.jsonl` of an evaluation: what was done in every episode, a line each, in the order of the results. Pages and prompts
 * are left out, because they follow from the actions (`replay` makes them again); a hash says whether they are the same.
 *
 *   {"seed":0,"goal":3,"actions":["search[red mug]","click[b0…]","click[buy now]"],
 *    "decisions":[{"query":true,"tokens":[96,7]},{"select":"1","tokens":[412,2]}],
 *    "reward":1,"parts":[1,1,null,1],"shown":"5f0c…"}
 *
 * A decision is named by its task and holds the answer, word for word, or `true` where the answer is just what its action says
 * (the query of the search; the action between its tags). `tokens` are those of prompt and answer. What is as it should be is not said:
 * `format`, `admissible` false, `repaired`, `truncated` true, `failed` with the reason why there was no answer.
 */
import { join } from "node:path";
import { z } from "zod";
import type { Decision, Trajectory } from "../agents/index.js";
import { InputError, messageOf, readLines } from "../base/index.js";
import { sha256 } from "./key.js";
import type { EpisodeResult } from "./kinds/episode-rows.js";
import type { RunRecord } from "./kinds/evaluation.js";

/** The file's name beside `record.json`. */
export const ACTIONS_FILE = "actions.jsonl";

/** A decision without what can be made again. */
export type KeptDecision = Omit<Decision, "prompt" | "tokens">;

/** An episode as it is kept. */
export interface KeptEpisode {
  readonly seed: number;
  readonly goal: number;
  readonly actions: readonly string[];
  /** Null for agents that are not asked. */
  readonly decisions: readonly KeptDecision[] | null;
  readonly reward: number;
  /** Null where nothing was bought. */
  readonly parts: KeptParts | null;
  /** Twelve hexadecimal digits of a hash over all that the agent was shown: its prompts, or the pages of one without. */
  readonly shown: string;
}

/** The parts of a reward, in [0, 1]; `rOption` is null where the goal names no option. */
export interface KeptParts {
  readonly rType: number;
  readonly rAtt: number;
  readonly rOption: number | null;
  readonly rPrice: number;
}

/** The part of a played episode that is kept. */
export function keptEpisode(trajectory: Trajectory, seed: number): KeptEpisode {
  const { goal, steps, decisions, reward, parts } = trajectory;
  return {
    seed,
    goal,
    actions: steps.map(({ action }) => action),
    decisions: decisions?.map(({ prompt: _, tokens: __, ...kept }) => kept) ?? null,
    reward,
    parts: parts && {
      rType: parts.rType,
      rAtt: parts.rAtt,
      rOption: parts.rOption,
      rPrice: parts.rPrice,
    },
    shown: shownIn(trajectory),
  };
}

/** The hash over all that the agent of an episode was shown. */
export function shownIn({ steps, decisions }: Trajectory): string {
  const texts = decisions?.map(({ prompt }) => prompt) ?? steps.map(({ observation }) => observation);
  return sha256(texts.map((text) => `${JSON.stringify(text)}\n`).join("")).slice(0, 12);
}

const count = z.int().nonnegative();
const fraction = z.number().min(0).max(1);
const said = z.union([z.string(), z.literal(true)]);
const decisionLine = z.strictObject({
  query: said.optional(),
  select: said.optional(),
  option: said.optional(),
  act: said.optional(),
  /** Where it is not the decision's own position. */
  step: count.optional(),
  tokens: z.tuple([count, count]).optional(),
  format: z.literal(false).optional(),
  admissible: z.literal(false).optional(),
  repaired: z.literal(true).optional(),
  truncated: z.literal(true).optional(),
  /** Why there was no answer; the episode ended there. */
  failed: z.string().min(1).optional(),
});
const episodeLine = z.strictObject({
  seed: z.int(),
  goal: count,
  actions: z.array(z.string()),
  decisions: z.array(decisionLine).optional(),
  reward: fraction,
  parts: z.tuple([fraction, fraction, fraction.nullable(), fraction]).nullable(),
  shown: z.string().regex(/^[0-9a-f]{12}$/, "must be 12 hexadecimal digits"),
});
type DecisionLine = z.input<typeof decisionLine>;

const TASKS = ["query", "select", "option", "act"] as const;

/** An episode as its line, without the line's end. */
export function lineOf({ seed, goal, actions, decisions, reward, parts, shown }: KeptEpisode): string {
  const line: z.input<typeof episodeLine> = {
    seed,
    goal,
    actions: [...actions],
    ...(decisions ? { decisions: decisions.map((one, i) => decisionToLine(one, i, actions)) } : {}),
    reward,
    parts: parts && [parts.rType, parts.rAtt, parts.rOption, parts.rPrice],
    shown,
  };
  return JSON.stringify(line);
}

function decisionToLine(decision: KeptDecision, at: number, actions: readonly string[]): DecisionLine {
  const { task, step, answer, promptTokens, completionTokens } = decision;
  return {
    [task]: answer === answerIn(task, actions[step]) ? true : answer,
    ...(step === at ? {} : { step }),
    ...(promptTokens === undefined || completionTokens === undefined
      ? {}
      : { tokens: [promptTokens, completionTokens] }),
    ...(decision.formatValid ? {} : { format: false }),
    ...(decision.admissible ? {} : { admissible: false }),
    ...(decision.repaired ? { repaired: true } : {}),
    ...(decision.truncated ? { truncated: true } : {}),
    ...(decision.failed === undefined ? {} : { failed: decision.failed }),
  };
}

/** The answer that says just what an action does; undefined where the action does not tell. */
function answerIn(task: Decision["task"], action: string | undefined): string | undefined {
  if (action === undefined || task === "select" || task === "option") return undefined;
  return task === "act" ? `<action>${action}</action>` : /^search\[(.*)\]$/s.exec(action)?.[1];
}

/**
 * A line back as an episode.
 * @throws Error with a short reason when it is not one
 */
export function episodeIn(line: string): KeptEpisode {
  return episodeOf(JSON.parse(line));
}

/**
 * {@link episodeIn} of a line that is parsed already.
 * @throws Error with a short reason when it is not one
 */
export function episodeOf(value: unknown): KeptEpisode {
  const parsed = episodeLine.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new Error(`"${issue.path.join(".")}": ${issue.message}`);
  }
  const { decisions, parts, ...rest } = parsed.data;
  return {
    ...rest,
    decisions: decisions?.map((one, i) => decisionFromLine(one, i, rest.actions)) ?? null,
    parts: parts && { rType: parts[0], rAtt: parts[1], rOption: parts[2], rPrice: parts[3] },
  };
}

function decisionFromLine(line: DecisionLine, at: number, actions: readonly string[]): KeptDecision {
  const [task, ...others] = TASKS.filter((name) => line[name] !== undefined);
  if (task === undefined || others.length > 0) throw new Error(`decision ${at + 1} must be of one task`);
  const step = line.step ?? at;
  const answer = line[task] === true ? answerIn(task, actions[step]) : line[task];
  if (answer === undefined) throw new Error(`decision ${at + 1} has no answer, and no action tells it`);
  return {
    task,
    step,
    answer,
    ...(line.tokens ? { promptTokens: line.tokens[0], completionTokens: line.tokens[1] } : {}),
    formatValid: line.format ?? true,
    admissible: line.admissible ?? true,
    repaired: line.repaired ?? false,
    truncated: line.truncated ?? false,
    ...(line.failed === undefined ? {} : { failed: line.failed }),
  };
}

/** Lines as the file holds them; as bytes, because long answers may be more than one string can hold. */
export function actionsBytes(lines: readonly string[]): Uint8Array {
  return Buffer.concat(lines.map((line) => Buffer.from(`${line}\n`)));
}

/**
 * The episodes of a record, one after another, each checked against its result. Nothing where the record kept no actions (those
 * of before this file have none).
 * @throws InputError naming the line that is not what it should be
 */
export function* episodesOf(record: RunRecord): Generator<KeptEpisode, void, undefined> {
  if (!(ACTIONS_FILE in record.files)) return;
  const path = join(record.path, ACTIONS_FILE);
  yield* checkedEpisodes(readLines(path, "actions of a run record"), record, path);
}

/**
 * Lines as the episodes of a record, each checked against its result.
 * @param where what to call the lines in a message
 * @throws InputError naming the line that is not what it should be
 */
export function* checkedEpisodes(
  lines: Iterable<string>,
  { results }: Pick<RunRecord, "results">,
  where: string,
): Generator<KeptEpisode, void, undefined> {
  let at = 0;
  for (const line of lines) {
    const episode = checkedLine(line, results[at]);
    at += 1;
    if (typeof episode === "string")
      throw new InputError(`Line ${at} of ${where} is not the episode that it should be: ${episode}.`);
    yield episode;
  }
  if (at !== results.length) {
    throw new InputError(`${where} has ${at} episodes, and its record ${results.length}.`);
  }
}

/** The episode of a line, or why it is not that of the result. */
function checkedLine(line: string, result: EpisodeResult | undefined): KeptEpisode | string {
  try {
    const episode = episodeIn(line);
    return unlike(episode, result) || episode;
  } catch (error) {
    return messageOf(error);
  }
}

/** Why an episode is not that of a result, or "". */
export function unlike(episode: KeptEpisode, result: EpisodeResult | undefined): string {
  if (!result) return "the record has no further result";
  const { seed, goal, reward, parts, actions } = episode;
  if (seed !== result.seed || goal !== result.goal) {
    return `it is of goal ${goal} with seed ${seed}, and the result of goal ${result.goal} with seed ${result.seed}`;
  }
  if (reward !== result.reward) return `it has a reward of ${reward}, and the result of ${result.reward}`;
  if ((parts !== null) !== result.bought)
    return "it and the result do not agree on whether something was bought";
  if (actions.length !== result.steps)
    return `it has ${actions.length} actions, and the result ${result.steps}`;
  return "";
}

/**
 * The episode of a goal and a seed.
 * @throws InputError when the record has none, kept no actions, or a line before it is not what it should be
 */
export function keptEpisodeIn(record: RunRecord, goal: number, seed: number): KeptEpisode {
  const { goals, seeds } = record.identity;
  if (!seeds.includes(seed)) {
    throw new InputError(`The run record ${record.path} has no seed ${seed}; it has ${seeds.join(", ")}.`);
  }
  if (goal < goals.first || goal >= goals.first + goals.count) {
    const last = goals.first + goals.count - 1;
    throw new InputError(
      `The run record ${record.path} has no goal ${goal}; it has ${goals.first} to ${last}.`,
    );
  }
  for (const episode of episodesOf(record)) {
    if (episode.goal === goal && episode.seed === seed) return episode;
  }
  throw new InputError(
    `The run record ${record.path} kept no actions: it was made before they were kept. Evaluate again with --force.`,
  );
}
