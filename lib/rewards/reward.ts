/** The reward of a run: the sum of the terms that its configuration names. */
import { InputError } from "../base/index.js";
import { chosenTerm, type ChosenTerm } from "./registry.js";
import type { Decision, Outcome } from "./term.js";

/** The part of a configuration that says what is rewarded. */
export interface RewardSettings {
  /** The term `score` or `success`, times `scale`. */
  readonly kind: "partial" | "success";
  readonly scale: number;
  /** The penalty of the term `format`; 0 leaves it out. */
  readonly invalidPenalty: number;
  /** The settings of the term `length`. */
  readonly overlong?: { readonly buffer: number; readonly factor: number } | undefined;
  /** Further terms by name, each with its settings. */
  readonly terms?: Readonly<Record<string, unknown>> | undefined;
}

/** The outcome of an episode, as far as its reward depends on it. */
export interface RewardedEpisode {
  readonly score: number;
  readonly turns: readonly DecisionTurn[];
}

/** A decision with its response's tokens. */
export type DecisionTurn = Omit<Decision, "tokens" | "maxTokens"> & {
  readonly responseIds: readonly number[];
  /** Which of them were sampled; all when absent. */
  readonly scored?: readonly boolean[];
};

/** A sum of terms. */
export class Reward {
  constructor(
    readonly terms: readonly ChosenTerm[],
    private readonly maxTokens: number,
  ) {}

  /** The reward of an outcome: the sum of the terms of outcomes. */
  ofOutcome(outcome: Outcome): number {
    return sum(this.terms.map((chosen) => outcomeValue(chosen, outcome)));
  }

  /** The penalty of a decision's own score, whatever it led to: the terms of decisions, with the other sign. */
  penalty(turn: DecisionTurn): number {
    return 0 - sum(this.terms.map((chosen) => this.decisionValue(chosen, turn)));
  }

  /** Each term's mean over episodes, as `reward/<name>`; an episode's value of a decision's term is the sum over its decisions. */
  metrics(episodes: readonly RewardedEpisode[]): Record<string, number> {
    return Object.fromEntries(
      this.terms.map((chosen) => [
        `reward/${chosen.term.name}`,
        sum(
          episodes.map(
            ({ score, turns }) =>
              outcomeValue(chosen, { score }) + sum(turns.map((turn) => this.decisionValue(chosen, turn))),
          ),
        ) / episodes.length,
      ]),
    );
  }

  private decisionValue(
    { term, settings }: ChosenTerm,
    { responseIds, scored, ...turn }: DecisionTurn,
  ): number {
    if (term.of !== "decision") return 0;
    const tokens = scored ? scored.filter(Boolean).length : responseIds.length;
    return term.value({ ...turn, tokens, maxTokens: this.maxTokens }, settings);
  }
}

/**
 * The reward of a configuration.
 * @param maxTokens most tokens of a response
 * @param where what to call the configuration in a message
 * @throws InputError for a term that is not known, is given twice, or has other settings
 */
export function rewardFrom(reward: RewardSettings, maxTokens: number, where = "reward"): Reward {
  const { kind, scale, invalidPenalty, overlong, terms = {} } = reward;
  const named: [string, unknown][] = [[kind === "success" ? "success" : "score", { weight: scale }]];
  if (invalidPenalty > 0) named.push(["format", { penalty: invalidPenalty }]);
  if (overlong) named.push(["length", overlong]);
  for (const [name, settings] of Object.entries(terms)) {
    if (named.some(([other]) => other === name)) {
      throw new InputError(
        `In ${where}: the term "${name}" is given twice, by reward.terms and by reward.kind, invalidPenalty or overlong; leave one out.`,
      );
    }
    named.push([name, settings]);
  }
  return new Reward(
    named.map(([name, settings]) => chosenTerm(name, settings, where)),
    maxTokens,
  );
}

function outcomeValue({ term, settings }: ChosenTerm, outcome: Outcome): number {
  return term.of === "outcome" ? term.value(outcome, settings) : 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
