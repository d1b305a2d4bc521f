/** Recorded episodes, played again: the kept answers or actions in the same shop must lead to the same reward. */
import {
  type Decision,
  endedAt,
  Episode,
  type Exemplars,
  playBySettings,
  type Trajectory,
} from "../agents/index.js";
import { InputError } from "../base/index.js";
import { type Catalogue, type Environment, openEnvironment } from "../simulator/index.js";
import { type KeptEpisode, keptEpisodeIn, shownIn } from "./actions.js";
import type { RunRecord } from "./kinds/evaluation.js";

/** An episode that was played again. */
export interface Replayed {
  readonly kept: KeptEpisode;
  /** With pages, and with prompts where the agent was asked. */
  readonly trajectory: Trajectory;
  /**
   * Whether the agent was shown the very same pages or prompts. Prompts may differ where a template has changed since, where
   * one was shortened to fit a model, and where worked examples are missing here.
   */
  readonly sameShown: boolean;
}

/**
 * Plays an episode of a record again.
 * @param exemplars the worked examples that the record's settings name, where there are any
 * @throws InputError when the record has no such episode, is of another shop, or the episode does not end as it is kept
 */
export function replay(record: RunRecord, { goal, seed, catalogue, exemplars }: ReplayOptions): Replayed {
  const { data, environment: settings } = record.identity;
  if (catalogue.fingerprint !== data.fingerprint) {
    throw new InputError(
      `The run record ${record.path} is of another shop than this one (${data.products} products, ${data.goals} goals): name its folder with --data.`,
    );
  }
  const kept = keptEpisodeIn(record, goal, seed);
  return replayEpisode(record, kept, openEnvironment(catalogue, settings), exemplars);
}

export interface ReplayOptions {
  readonly goal: number;
  readonly seed: number;
  readonly catalogue: Catalogue;
  readonly exemplars?: Exemplars | undefined;
}

/**
 * {@link replay} of an episode that was read already, in an environment of the record's settings.
 * @throws InputError when it does not end as it is kept
 */
export function replayEpisode(
  record: RunRecord,
  kept: KeptEpisode,
  environment: Environment,
  exemplars?: Exemplars,
): Replayed {
  const trajectory = played(record, kept, environment, exemplars);
  const { reward, steps } = trajectory;
  const step = kept.actions.findIndex((action, i) => action !== steps[i]?.action);
  if (step >= 0 || steps.length !== kept.actions.length) {
    const at = step >= 0 ? step : kept.actions.length;
    throw changed(
      record,
      kept,
      `step ${at + 1} is ${steps[at]?.action ?? "missing"} instead of ${kept.actions[at] ?? "the end"}`,
    );
  }
  if (reward !== kept.reward)
    throw changed(record, kept, `its reward is ${reward} instead of ${kept.reward}`);
  return { kept, trajectory, sameShown: shownIn(trajectory) === kept.shown };
}

/** Answers go through their protocol again; an agent that was not asked, or by a protocol of its own, has its actions repeated. */
function played(
  record: RunRecord,
  { goal, actions, decisions }: KeptEpisode,
  environment: Environment,
  exemplars?: Exemplars,
): Trajectory {
  const { name, settings } = record.identity.agent;
  const play = decisions && playBySettings(settings, environment, goal, exemplars);
  if (!play) {
    const episode = new Episode(environment, goal);
    for (const action of actions) episode.act(action);
    return episode.trajectory(name);
  }
  for (const { answer, ...known } of decisions) {
    // A decision that the protocol no longer asks for shows in the actions.
    const asked = play.ask();
    if (asked && known.failed !== undefined)
      return endedAt(play.trajectory(name), asked, known.failed, known);
    if (asked) play.answer({ text: answer, ...knownOf(known) });
  }
  return play.trajectory(name);
}

function knownOf({
  promptTokens,
  completionTokens,
  truncated,
}: Omit<Decision, "answer" | "prompt">): Partial<Decision> {
  return {
    ...(promptTokens === undefined ? {} : { promptTokens }),
    ...(completionTokens === undefined ? {} : { completionTokens }),
    truncated,
  };
}

function changed({ path }: RunRecord, { goal, seed }: KeptEpisode, how: string): InputError {
  return new InputError(
    `The episode of goal ${goal} with seed ${seed} in ${path} does not come out again: ${how}. The shop or the protocol has changed since; evaluate again with --force.`,
  );
}
