/**
 * The multi-turn protocol: one action on every page, up to the purchase or a limit of steps (docs/multi-turn.md). What cannot be
 * followed leaves the page as it was and costs a step, as in verl-agent.
 */
import type { Environment, SessionState, StepResult } from "../../simulator/index.js";
import { Episode } from "../episode.js";
import { type Message, type MultiTurnContext, parseAction, withExemplars } from "../prompts/index.js";
import type { Decision, Trajectory } from "../types.js";
import { fittingPrompt, type MultiTurnForm, multiTurnContext, type TakenStep } from "./multi-turn-prompt.js";
import { isAdmissible, pageText, repaired } from "./pages.js";
import { type Fits, keptOf, type Play, type Question, type Said } from "./play.js";

/** How an episode of the protocol goes. */
export interface MultiTurnRules {
  /** The content of a prompt and the form of its answer. */
  readonly form: MultiTurnForm;
  /** An episode that has bought nothing after so many steps ends. Default: none. */
  readonly maxSteps?: number;
  /** Take a click that is not on the page as the most similar text there, if it is at least so similar. Default: never. */
  readonly repair?: number;
  /** Worked examples before each question. Default: none. */
  readonly exemplars?: readonly Message[];
}

/** A question to a shopper of the protocol. */
export interface ActQuestion extends Question {
  readonly task: "act";
  readonly context: MultiTurnContext;
}

/** An episode of the multi-turn protocol. */
export class MultiTurnPlay implements Play<ActQuestion> {
  #episode: Episode;
  #steps: TakenStep[] = [];
  #decisions: Decision[] = [];
  #asked: ActQuestion | null = null;

  constructor(
    readonly environment: Environment,
    readonly goal: number,
    readonly rules: MultiTurnRules,
  ) {
    this.#episode = new Episode(environment, goal);
  }

  /** Where the session is. */
  get state(): SessionState {
    return this.#episode.state;
  }

  /** Whether it was bought, or the steps are used up. */
  get over(): boolean {
    return this.#episode.done || this.#episode.length >= (this.rules.maxSteps ?? Infinity);
  }

  ask(fits: Fits = () => true): ActQuestion | null {
    if (this.over) return null;
    if (this.#asked) return this.#asked;
    const { form, exemplars } = this.rules;
    const context = multiTurnContext(this.environment, this.state, this.#steps, form);
    let prompt: readonly Message[] = [];
    fittingPrompt(context, (tried) => fits((prompt = withExemplars(tried, exemplars))));
    return (this.#asked = { task: "act", page: context.observation, prompt, context });
  }

  answer(said: Said): { readonly decision: Decision; readonly reward: number } {
    const asked = this.#asked;
    if (!asked) throw new RangeError("Nothing was asked: an answer needs a question.");
    const { form, repair } = this.rules;
    const { action, formatValid } = parseAction(said.text, form.thought);
    const admissible = isAdmissible(this.environment, this.state, action);
    const taken =
      repair !== undefined && !admissible ? repaired(this.environment, this.state, action, repair) : action;
    const decision: Decision = {
      task: "act",
      step: this.#episode.length,
      prompt: asked.prompt,
      answer: said.text,
      ...keptOf(said),
      formatValid,
      admissible,
      repaired: taken !== action,
      truncated: said.truncated ?? false,
    };
    this.#decisions.push(decision);
    return { decision, reward: this.take(taken).reward };
  }

  /** Takes an action as it is: of a teacher, who writes no answers. */
  take(action: string): StepResult {
    this.#steps.push({ page: this.#asked?.page ?? pageText(this.environment, this.state), action });
    this.#asked = null;
    return this.#episode.act(action);
  }

  fork(): MultiTurnPlay {
    const copy = new MultiTurnPlay(this.environment, this.goal, this.rules);
    copy.#episode = this.#episode.fork();
    copy.#steps = [...this.#steps];
    copy.#decisions = [...this.#decisions];
    copy.#asked = this.#asked;
    return copy;
  }

  trajectory(agent: string): Trajectory {
    const played = this.#episode.trajectory(agent);
    return this.#decisions.length > 0 ? { ...played, decisions: this.#decisions } : played;
  }
}
