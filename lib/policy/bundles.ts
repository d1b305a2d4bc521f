/**
 * From flat sequences to what goes through the model together: sequences that begin with the same tokens are one bundle, whose
 * beginning is computed once. This is the policy's own business; whoever trains or scores hands over sequences and gets back their
 * scores in the same order.
 */
import type { Sequence } from "../objective/index.js";
import { InputError } from "../base/index.js";

/** One continuation of a bundle's beginning. */
export interface Continuation {
  readonly ids: readonly number[];
  /** Which of its tokens are scored, one flag a token; all when absent. */
  readonly scored?: readonly boolean[];
}

/** A beginning and the continuations that share it: the unit that is packed. */
export interface Bundle {
  readonly prompt: readonly number[];
  readonly completions: readonly Continuation[];
}

/** A bundle that was made of sequences. */
export interface SequenceBundle extends Bundle {
  /** The position of each completion's sequence in the list that was handed over. */
  readonly members: readonly number[];
}

/** Gathers sequences by what they begin with, in order of first appearance. */
export function bundled(sequences: readonly Sequence[]): SequenceBundle[] {
  const byBeginning = new Map<
    string,
    { prompt: readonly number[]; completions: Continuation[]; members: number[] }
  >();
  sequences.forEach((sequence, i) => {
    const { promptIds, sharedTokens, packWith } = sequence;
    const common = sharedTokens ? promptIds.slice(0, sharedTokens) : promptIds;
    const key = `${typeof packWith} ${packWith} ${sharedTokens ? "begins" : "is"} ${common.join(",")}`;
    const bundle = byBeginning.get(key) ?? { prompt: common, completions: [], members: [] };
    byBeginning.set(key, bundle);
    bundle.completions.push(continuation(sequence, common.length));
    bundle.members.push(i);
  });
  return [...byBeginning.values()];
}

/** A sequence as it goes on from its first tokens: the rest of its prompt, which is not scored, and its response. */
function continuation({ promptIds, responseIds, scored }: Sequence, common: number): Continuation {
  if (common === promptIds.length) return { ids: responseIds, ...(scored ? { scored } : {}) };
  const rest = promptIds.slice(common);
  return {
    ids: [...rest, ...responseIds],
    scored: [...rest.map(() => false), ...(scored ?? responseIds.map(() => true))],
  };
}

/** Tokens that a bundle puts through the model. */
export function packedLength({ prompt, completions }: Bundle): number {
  return completions.reduce((sum, { ids }) => sum + ids.length - 1, prompt.length);
}

/** Scored tokens of a continuation. */
export function scoredTokens({ ids, scored }: Continuation): number {
  return scored ? scored.filter(Boolean).length : ids.length;
}

/**
 * Splits bundles into micro-batches of at most `tokens` packed tokens each, in order; a longer bundle stands alone.
 * It depends on the bundles only, never on the number of workers, so that sums are taken in the same order everywhere.
 */
export function microBatches<B extends Bundle>(bundles: readonly B[], tokens: number): B[][] {
  const batches: B[][] = [];
  let room = 0;
  for (const bundle of bundles) {
    const length = packedLength(bundle);
    const last = batches.at(-1);
    if (last !== undefined && length <= room) {
      last.push(bundle);
      room -= length;
    } else {
      batches.push([bundle]);
      room = tokens - length;
    }
  }
  return batches;
}

/** What a model allows. */
export interface Limits {
  readonly vocabSize: number;
  readonly maxPositions: number;
}

/**
 * Refuses sequences that cannot be scored, before any work begins.
 * @throws InputError naming the row and what is wrong with it.
 */
export function checkSequences(sequences: readonly Sequence[], limits: Limits): void {
  if (sequences.length === 0)
    throw new InputError("There are no rows to score: give at least one prompt with its response.");
  sequences.forEach(({ promptIds, responseIds, scored, sharedTokens }, r) => {
    if (promptIds.length === 0)
      throw new InputError(`Row ${r} has an empty prompt: give at least one token.`);
    if (responseIds.length === 0) {
      throw new InputError(`Row ${r} has an empty response: leave it out or end it with a stop token.`);
    }
    if (sharedTokens !== undefined && !(sharedTokens >= 0 && sharedTokens <= promptIds.length)) {
      throw new InputError(
        `Row ${r} shares its first ${sharedTokens} tokens, but its prompt has ${promptIds.length}.`,
      );
    }
    if (scored && (scored.length !== responseIds.length || !scored.includes(true))) {
      throw new InputError(
        `The response of row ${r} needs a flag for each of its ${responseIds.length} tokens, at least one of them true.`,
      );
    }
    checkIds(promptIds, `The prompt of row ${r}`, limits);
    checkIds(responseIds, `The response of row ${r}`, limits);
    if (promptIds.length + responseIds.length > limits.maxPositions) {
      throw new InputError(
        `Row ${r}: ${promptIds.length} prompt tokens and ${responseIds.length} tokens of its response exceed the ` +
          `model's ${limits.maxPositions} positions: shorten the prompt.`,
      );
    }
  });
}

/** @throws InputError when a token id is not in the vocabulary. */
export function checkIds(ids: readonly number[], what: string, { vocabSize }: Limits): void {
  for (const id of ids) {
    if (!Number.isInteger(id) || id < 0 || id >= vocabSize) {
      throw new InputError(
        `${what} holds the token id ${id}, which is not in the vocabulary of ${vocabSize}: ` +
          `was it encoded with another tokenizer?`,
      );
    }
  }
}
