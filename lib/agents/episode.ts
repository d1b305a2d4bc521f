import type { Environment, Goal, Product, SessionState, StepResult } from "../simulator/index.js";
import type { Step, Trajectory } from "./types.js";

/** An episode being played: takes actions, keeps the steps, and ends as a trajectory. */
export class Episode {
  #steps: Step[] = [];
  #state: SessionState;
  #observation: string;
  #last: StepResult | null = null;

  constructor(
    readonly environment: Environment,
    readonly goalIndex: number,
  ) {
    this.#state = environment.reset({ goal: goalIndex });
    this.#observation = environment.observe(this.#state);
  }

  /** Where the session is. */
  get state(): SessionState {
    return this.#state;
  }

  /** The current observation, in the environment's mode. */
  get observation(): string {
    return this.#observation;
  }

  /** Whether the purchase was made. */
  get done(): boolean {
    return this.#last?.done ?? false;
  }

  /** Number of actions taken. */
  get length(): number {
    return this.#steps.length;
  }

  /** The goal, hidden parts and all: an agent that plays fair reads only `instruction`. */
  get goal(): Goal {
    return this.environment.catalogue.goal(this.goalIndex);
  }

  /** The same episode to go on with on its own: a state is a value, so this copies a list of steps and nothing else. */
  fork(): Episode {
    const copy = new Episode(this.environment, this.goalIndex);
    copy.#steps = [...this.#steps];
    copy.#state = this.#state;
    copy.#observation = this.#observation;
    copy.#last = this.#last;
    return copy;
  }

  /** Takes an action; an impossible one leaves the page as it was and is kept with `valid: false`. */
  act(action: string): StepResult {
    const result = this.environment.step(this.#state, action);
    this.#steps.push({
      observation: this.#observation,
      action,
      reward: result.reward,
      valid: result.valid,
    });
    this.#state = result.state;
    this.#observation = result.observation;
    this.#last = result;
    return result;
  }

  /** The episode so far; its reward is 0 when nothing was bought. */
  trajectory(agent: string): Trajectory {
    return {
      goal: this.goalIndex,
      agent,
      steps: this.#steps,
      reward: this.#last?.parts?.total ?? 0,
      parts: this.#last?.parts ?? null,
    };
  }
}

/** A search for a text. Brackets and line breaks would end the action early (docs/quirks.md), so they become spaces. */
export function searchAction(query: string): string {
  return `search[${query.replace(/[[\]\r\n]+/g, " ").trim()}]`;
}

export function clickAction(text: string): string {
  return `click[${text}]`;
}

/** The products that a results page links to, in order. Empty on other pages. */
export function resultsOn(environment: Environment, state: SessionState): Product[] {
  if (state.page !== "results") return [];
  const { catalogue } = environment;
  return environment
    .actions(state)
    .click.map((text) => catalogue.indexOf(text.toUpperCase()))
    .filter((index) => index >= 0)
    .map((index) => catalogue.product(index));
}

/** The instruction without its price clause, which says nothing about the product's words. */
export function withoutPrice(instruction: string): string {
  return instruction.replace(/,? and price lower than [\d.,]+ dollars\s*$/i, "");
}

/** The highest price that an instruction accepts, in dollars; Infinity where it names none. */
export function priceBound(instruction: string): number {
  const match = /price lower than ([\d.,]+) dollars/i.exec(instruction);
  return match ? Number(match[1]!.replaceAll(",", "")) : Infinity;
}
