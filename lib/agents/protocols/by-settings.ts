/** The play of an agent's settings, as its record keeps them: so that a recorded episode can be played again. */
import type { Environment } from "../../simulator/index.js";
import { OPTION_MODES } from "../options.js";
import { type Exemplars, LISTINGS } from "../prompts/index.js";
import { type ActQuestion, MultiTurnPlay } from "./multi-turn.js";
import { type MultiTurnForm, PLAIN_FORM } from "./multi-turn-prompt.js";
import type { Play } from "./play.js";
import { type ChoiceRules, READINGS, TwoDecisionPlay, type TwoDecisionQuestion } from "./two-decision.js";

type Settings = Readonly<Record<string, unknown>>;

/**
 * An episode of the protocol that an agent's settings name; null where they name none of ours.
 * @param exemplars the worked examples of its prompts, where it had any
 */
export function playBySettings(
  settings: Settings,
  environment: Environment,
  goal: number,
  exemplars?: Exemplars,
): Play<TwoDecisionQuestion> | Play<ActQuestion> | null {
  if (settings["protocol"] === "two-decision") {
    const options = OPTION_MODES.find((mode) => mode === settings["options"]);
    return new TwoDecisionPlay(environment, goal, {
      ...(options ? { options } : {}),
      ...choiceRulesOf(settings),
      ...(exemplars ? { exemplars } : {}),
    });
  }
  if (settings["protocol"] !== "multi-turn") return null;
  const { maxSteps, repair } = settings;
  return new MultiTurnPlay(environment, goal, {
    form: formOf(settings),
    ...(typeof maxSteps === "number" ? { maxSteps } : {}),
    ...(typeof repair === "number" ? { repair } : {}),
    ...(exemplars ? { exemplars: exemplars.act } : {}),
  });
}

/** What the choice of a two-decision agent sees, and how. */
export function choiceRulesOf(settings: Settings): ChoiceRules {
  const listing = LISTINGS.find((one) => one === settings["listing"]);
  const reading = READINGS.find((one) => one === settings["reading"]);
  return { ...(listing ? { listing } : {}), ...(reading ? { reading } : {}) };
}

/** The form of a multi-turn agent's prompts; prompted agents keep it separately, trained ones among their other settings. */
export function formOf(settings: Settings): MultiTurnForm {
  const { history, observations, thought } = (settings["form"] ?? settings) as Settings;
  return {
    history: typeof history === "number" ? history : PLAIN_FORM.history,
    observations: observations === true,
    thought: thought === true,
  };
}
