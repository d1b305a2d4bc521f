import { InputError } from "../base/index.js";

/** One continuation of a prompt, as token ids. Callers add what their objective needs (advantages, old log-probs, …). */
export interface Completion {
  readonly ids: readonly number[];
  /**
   * Which of its tokens are scored, one flag a token, at least one of them true; all when absent. Scores and slopes are then those
   * of the scored tokens alone, in order: the others cost no logits and little of the last layer.
   */
  readonly scored?: readonly boolean[];
}

/** A prompt and the completions that share it: the unit that is scored and learnt from. */
export interface Row<C extends Completion = Completion> {
  readonly prompt: readonly number[];
  readonly completions: readonly C[];
}

/** Where one completion's tokens lie among the scored tokens of a batch. */
export interface Span {
  /** Index into the batch's rows. */
  readonly row: number;
  /** Index into that row's completions. */
  readonly completion: number;
  /** First scored token of this completion; the others follow. */
  readonly start: number;
  /** Scored tokens. */
  readonly length: number;
}

/** One row in the packed layout `[prompt][completion 1]…[completion n]`. */
export interface PackedRow {
  /** First token of this row in the batch's token stream. */
  readonly start: number;
  /** Tokens of this row in the stream. */
  readonly length: number;
  /** Tokens of the prompt. */
  readonly prompt: number;
  /** For each token the completion that it belongs to, from 1; 0 is the prompt. `[length]` */
  readonly segments: Int32Array;
  /** First token that is scored from, in this row's list of scored-from tokens, see `Packed.queries`. */
  readonly queryStart: number;
  readonly queryLength: number;
}

/**
 * Rows side by side in one stream of N tokens: no padding, the prompt once per row, positions restarting after it.
 * A completion's last token predicts nothing, so it is a target only and never enters the stream.
 */
export interface Packed {
  readonly rows: readonly PackedRow[];
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
  readonly spans: readonly Span[];
}

/** What a model allows. */
export interface Limits {
  readonly vocabSize: number;
  readonly maxPositions: number;
}

/** Tokens that a row puts through the model. */
export function packedLength(row: Row): number {
  return row.completions.reduce((sum, { ids }) => sum + ids.length - 1, row.prompt.length);
}

/** Scored tokens of a completion. */
export function scoredTokens({ ids, scored }: Completion): number {
  return scored ? scored.filter(Boolean).length : ids.length;
}

/**
 * Refuses rows that cannot be scored, before any work begins.
 * @throws InputError naming the row and what is wrong with it.
 */
export function checkRows(rows: readonly Row[], limits: Limits): void {
  if (rows.length === 0) throw new InputError("There are no rows to score: give at least one prompt.");
  rows.forEach((row, r) => {
    if (row.prompt.length === 0)
      throw new InputError(`Row ${r} has an empty prompt: give at least one token.`);
    if (row.completions.length === 0) throw new InputError(`Row ${r} has no completions: give at least one.`);
    checkIds(row.prompt, `The prompt of row ${r}`, limits);
    row.completions.forEach(({ ids, scored }, c) => {
      if (ids.length === 0) {
        throw new InputError(
          `Completion ${c} of row ${r} is empty: leave it out or end it with a stop token.`,
        );
      }
      if (scored && (scored.length !== ids.length || !scored.includes(true))) {
        throw new InputError(
          `Completion ${c} of row ${r} needs a flag for each of its ${ids.length} tokens, at least one of them true.`,
        );
      }
      checkIds(ids, `Completion ${c} of row ${r}`, limits);
      const total = row.prompt.length + ids.length;
      if (total > limits.maxPositions) {
        throw new InputError(
          `Row ${r}: ${row.prompt.length} prompt tokens and ${ids.length} tokens of completion ${c} exceed the ` +
            `model's ${limits.maxPositions} positions: shorten the prompt.`,
        );
      }
    });
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

/** Packs checked rows. */
export function pack(rows: readonly Row[]): Packed {
  const total = rows.reduce((sum, row) => sum + packedLength(row), 0);
  const scored = rows.reduce(
    (sum, row) => sum + row.completions.reduce((s, completion) => s + scoredTokens(completion), 0),
    0,
  );
  const ids = new Int32Array(total);
  const positions = new Int32Array(total);
  const targets = new Int32Array(scored);
  const sources = new Int32Array(scored);
  const queries: number[] = [];
  const spans: Span[] = [];
  const packed: PackedRow[] = [];
  let at = 0;
  let token = 0;
  rows.forEach((row, r) => {
    const start = at;
    const prompt = row.prompt.length;
    const segments = new Int32Array(packedLength(row));
    ids.set(row.prompt, at);
    for (let i = 0; i < prompt; i++) positions[at + i] = i;
    at += prompt;
    const queryStart = queries.length;
    queries.push(at - 1);
    row.completions.forEach((completion, c) => {
      const { length } = completion.ids;
      spans.push({ row: r, completion: c, start: token, length: scoredTokens(completion) });
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
  });
  return { rows: packed, ids, positions, queries: Int32Array.from(queries), sources, targets, spans };
}

/**
 * Splits rows into micro-batches of at most `tokens` packed tokens each, in order; a longer row stands alone.
 * It depends on the rows only, never on the number of workers, so that sums are taken in the same order everywhere.
 */
export function microBatches<R extends Row>(rows: readonly R[], tokens: number): R[][] {
  const batches: R[][] = [];
  let room = 0;
  for (const row of rows) {
    const length = packedLength(row);
    const last = batches.at(-1);
    if (last !== undefined && length <= room) {
      last.push(row);
      room -= length;
    } else {
      batches.push([row]);
      room = tokens - length;
    }
  }
  return batches;
}
