/**
 * Packing: from flat sequences to one stream of tokens, and from the stream's numbers back to sequences. Sequences that begin with the same tokens are one bundle, whose beginning is
 * computed once; bundles are collected into micro-batches, and the bundles of one lie side by side. This is the policy's own business;
 * whoever trains or scores hands over sequences and gets back their scores in the same order.
 */
import type { Sequence, TokenScores } from "../objective/index.js";
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

/** Collects sequences by their common beginning, in order of first appearance. */
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

/** Where one completion's tokens lie among the scored tokens of a batch. */
export interface Span {
  /** First scored token of this completion; the others follow. */
  readonly start: number;
  /** Scored tokens. */
  readonly length: number;
}

/** One bundle in the packed layout `[prompt][completion 1]…[completion n]`. */
export interface PackedBundle {
  /** First token of this bundle in the batch's token stream. */
  readonly start: number;
  /** Tokens of this bundle in the stream. */
  readonly length: number;
  /** Tokens of the prompt. */
  readonly prompt: number;
  /** For each token the completion that it belongs to, from 1; 0 is the prompt. `[length]` */
  readonly segments: Int32Array;
  /** First token that is scored from, in this bundle's list of scored-from tokens, see `Packed.queries`. */
  readonly queryStart: number;
  readonly queryLength: number;
}

/**
 * Bundles side by side in one stream of N tokens: no padding, the prompt once per bundle, positions restarting after it.
 * A completion's last token predicts nothing, so it is a target only and never enters the stream.
 */
export interface Packed {
  readonly bundles: readonly PackedBundle[];
  /** Token ids. `[N]` */
  readonly ids: Int32Array;
  /** Positions for the rotary embedding. `[N]` */
  readonly positions: Int32Array;
  /** The stream's tokens that predict a completion token, ascending and each once. `[Q]` */
  readonly queries: Int32Array;
  /** For each scored token the entry of `queries` that predicts it. `[M]` */
  readonly sources: Int32Array;
  /** Each scored token's id, completion after completion. `[M]` */
  readonly targets: Int32Array;
  /** One for each completion, bundle after bundle. */
  readonly spans: readonly Span[];
}

/** Packs checked bundles. */
export function pack(bundles: readonly Bundle[]): Packed {
  const total = bundles.reduce((sum, bundle) => sum + packedLength(bundle), 0);
  const scored = bundles.reduce(
    (sum, bundle) => sum + bundle.completions.reduce((s, completion) => s + scoredTokens(completion), 0),
    0,
  );
  const ids = new Int32Array(total);
  const positions = new Int32Array(total);
  const targets = new Int32Array(scored);
  const sources = new Int32Array(scored);
  const queries: number[] = [];
  const spans: Span[] = [];
  const packed: PackedBundle[] = [];
  let at = 0;
  let token = 0;
  for (const bundle of bundles) {
    const start = at;
    const prompt = bundle.prompt.length;
    const segments = new Int32Array(packedLength(bundle));
    ids.set(bundle.prompt, at);
    for (let i = 0; i < prompt; i++) positions[at + i] = i;
    at += prompt;
    const queryStart = queries.length;
    queries.push(at - 1);
    bundle.completions.forEach((completion, c) => {
      const { length } = completion.ids;
      spans.push({ start: token, length: scoredTokens(completion) });
      const isScored = (t: number): boolean => completion.scored?.[t] ?? true;
      for (let t = 0; t < length; t++) {
        if (isScored(t)) {
          targets[token] = completion.ids[t]!;
          // The first token follows the prompt's last; each other one its predecessor.
          sources[token++] = t === 0 ? queryStart : queries.length - 1;
        }
        if (t === length - 1) break;
        ids[at] = completion.ids[t]!;
        positions[at] = prompt + t;
        segments[at - start] = c + 1;
        if (isScored(t + 1)) queries.push(at);
        at++;
      }
    });
    packed.push({
      start,
      length: at - start,
      prompt,
      segments,
      queryStart,
      queryLength: queries.length - queryStart,
    });
  }
  return { bundles: packed, ids, positions, queries: Int32Array.from(queries), sources, targets, spans };
}

/** The scores of each sequence, in the order of the packed completions. */
export function unpacked(
  packed: Packed,
  logProbs: ArrayLike<number>,
  entropies: ArrayLike<number>,
): TokenScores[] {
  return packed.spans.map(({ start, length }) => {
    const piece = (of: ArrayLike<number>): number[] => Array.from({ length }, (_, t) => of[start + t]!);
    return { logProbs: piece(logProbs), entropies: piece(entropies) };
  });
}

/** The scores with the hidden state before each sequence's first scored token. `states` are those of the queries, `[Q, d]`. */
export function withStates(
  scores: readonly TokenScores[],
  packed: Packed,
  states: Float32Array,
  d: number,
): TokenScores[] {
  return scores.map((score, i) => {
    const at = packed.sources[packed.spans[i]!.start]! * d;
    return { ...score, state: [...states.subarray(at, at + d)] };
  });
}

/** A number for each scored token in the order of the stream. @throws RangeError when a sequence lacks some */
export function flattened(packed: Packed, bySequence: readonly (readonly number[])[]): Float32Array {
  const flat = new Float32Array(packed.targets.length);
  packed.spans.forEach(({ start, length }, i) => {
    const values = bySequence[i];
    if (values?.length !== length) {
      throw new RangeError(
        `The loss gave ${values?.length ?? 0} derivatives for the ${length} scored tokens of sequence ${i} of its micro-batch.`,
      );
    }
    flat.set(values, start);
  });
  return flat;
}

/** The limits of a model. */
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
