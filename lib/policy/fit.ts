/** Micro-batches that fit into memory by themselves. What fits is left as it is, to the bit. */
import { InputError } from "../base/index.js";
import { gigabytes, OutOfMemory } from "../tensor/index.js";
import { packedLength, type SequenceBundle } from "./pack.js";
import type { Room } from "./room.js";
import { cut, type Piece } from "./sampling/pieces.js";
import type { SampleRequest } from "./sampling/types.js";

/** Bundles that go through the model at once, and whether each layer is computed again on the way back. */
export interface Fitted {
  readonly bundles: readonly SequenceBundle[];
  readonly recompute: boolean;
}

/** How to make things fit. */
export interface FitOptions {
  /** Bytes that may be taken. */
  readonly bytes: number;
  /** Whether layers are computed again anyway. */
  readonly recompute: boolean;
  /** Whether completions of one bundle may go apart: not where dropout masks are named after the bundle. */
  readonly apart: boolean;
}

/**
 * Micro-batches whose backward pass fits. First each layer is computed again, which changes no bit; where that is not enough a
 * batch is halved, which changes sums in their last bits, as another batch size would.
 * @throws InputError when what cannot be divided further does not fit
 */
export function fittedGradients(
  batches: readonly (readonly SequenceBundle[])[],
  room: Room,
  options: FitOptions,
): Fitted[] {
  const fit = (bundles: readonly SequenceBundle[]): Fitted[] => {
    const { bytes, recompute } = options;
    if (room.gradient(bundles, recompute) <= bytes) return [{ bundles, recompute }];
    if (room.gradient(bundles, true) <= bytes) return [{ bundles, recompute: true }];
    return halved(bundles, options.apart, room.gradient(bundles, true), room).flatMap(fit);
  };
  return batches.flatMap(fit);
}

/** Batches whose forward pass fits, as in `fittedGradients`. @throws InputError as it does */
export function fittedScores(
  batches: readonly (readonly SequenceBundle[])[],
  room: Room,
  bytes: number,
): (readonly SequenceBundle[])[] {
  const fit = (bundles: readonly SequenceBundle[]): (readonly SequenceBundle[])[] =>
    room.score(bundles) <= bytes ? [bundles] : halved(bundles, true, room.score(bundles), room).flatMap(fit);
  return batches.flatMap(fit);
}

/** Two halves, by bundles, or by the completions of the only one. */
function halved(
  bundles: readonly SequenceBundle[],
  apart: boolean,
  needed: number,
  room: Room,
): (readonly SequenceBundle[])[] {
  if (bundles.length > 1) return halves(bundles);
  const [bundle] = bundles as [SequenceBundle];
  const { prompt, completions, members } = bundle;
  if (!apart || completions.length === 1) {
    const what = completions.length === 1 ? "a row" : "the rows of one prompt, which dropout keeps together,";
    throw tooLarge(what, packedLength(bundle), needed, room);
  }
  return halves(completions.map((_, i) => i)).map((of) => [
    { prompt, completions: of.map((i) => completions[i]!), members: of.map((i) => members[i]!) },
  ]);
}

/**
 * Requests in groups that can be sampled together, in order; a request's samples may be in several.
 * @throws InputError when one sample alone does not fit
 */
export function fittedRequests(
  requests: readonly SampleRequest[],
  maxTokens: number,
  room: Room,
  bytes: number,
): Piece[][] {
  const fit = (pieces: readonly Piece[]): Piece[][] => {
    const asked = pieces.map(({ request }) => request);
    const needed = room.sample(asked, maxTokens);
    if (needed <= bytes) return [[...pieces]];
    const [{ index, request }] = pieces as [Piece];
    if (pieces.length > 1) return halves(pieces).flatMap(fit);
    if ((request.n ?? 1) > 1) return cut(request, 2).flatMap((half) => fit([{ index, request: half }]));
    throw tooLarge("a sample", request.prompt.length + maxTokens, needed, room);
  };
  return fit(requests.map((request, index) => ({ index, request })));
}

/** How often a plan is made for half the bytes when the first did not fit after all. */
const TRIES = 3;

/**
 * Does work that is planned for the room there is, and plans it for half of that when the heap was full all the same: what lies on
 * it from before may leave gaps of the wrong sizes.
 * @param attempt plans for so many bytes, and works
 * @throws OutOfMemory saying what to do when nothing helped
 */
export async function withRoom<T>(room: Room, attempt: (bytes: number) => Promise<T>): Promise<T> {
  let full: OutOfMemory | undefined;
  for (let tried = 0, bytes = room.free; tried < TRIES; tried++, bytes /= 2) {
    try {
      return await attempt(bytes);
    } catch (error) {
      if (error instanceof OutOfMemory) full = error;
      else if (!full || !(error instanceof InputError)) throw error; // half the bytes are too few: what was full says more
    }
  }
  throw new OutOfMemory(`${full!.message} ${WHAT_TO_DO}`);
}

/** The first half and the second; of an odd number the first is longer. */
function halves<T>(items: readonly T[]): [T[], T[]] {
  const middle = Math.ceil(items.length / 2);
  return [items.slice(0, middle), items.slice(middle)];
}

function tooLarge(what: string, tokens: number, needed: number, room: Room): InputError {
  return new InputError(
    `The memory is too small: ${what} of ${tokens.toLocaleString("en-US")} tokens needs about ${gigabytes(needed)} beside the ` +
      `model's ${gigabytes(room.fixed)}, and there are ${gigabytes(room.bytes)} in all. ${WHAT_TO_DO}`,
  );
}

/** @throws InputError when a model does not fit, before it is read */
export function requireRoom(room: Room): void {
  if (room.fixed <= room.bytes) return;
  throw new InputError(
    `The memory is too small: the model takes ${gigabytes(room.fixed)} in 32 bits, and there are ${gigabytes(room.bytes)} in all. ` +
      WHAT_TO_DO,
  );
}

/** Advice for work that does not fit, in the words of a run's configuration. */
const WHAT_TO_DO =
  `Shorten prompts or answers, train an adapter ("lora") instead of the whole model, take a smaller model, or choose a backend ` +
  `whose memory is the machine's (AISLE_BACKEND=tensorflow).`;
