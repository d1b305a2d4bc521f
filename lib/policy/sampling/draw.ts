import type { Random } from "../../base/index.js";
import { exp, exponentials } from "./exponential.js";

/** Settings of the distribution that tokens are drawn from. */
export interface DrawOptions {
  /** Logits are divided by it; 0 takes the most likely token and reports log-probs at temperature 1. Default 1. */
  readonly temperature?: number;
  /** Keeps the smallest set of most likely tokens whose probability reaches this fraction, in (0, 1]. Default 1. */
  readonly topP?: number;
  /** Keeps this many of the most likely tokens; 0 keeps all. Default 0. */
  readonly topK?: number;
}

/** A drawn token. */
export interface Drawn {
  readonly id: number;
  /** Log-probability under the tempered distribution over the whole vocabulary: what the trainer computes. */
  readonly logProb: number;
  /** Log-probability under the distribution drawn from: after top-k, top-p and the admissible set. */
  readonly drawnLogProb: number;
  /** Entropy in nats of the tempered distribution over the whole vocabulary. */
  readonly entropy: number;
}

/** Room that is used again from draw to draw. */
export interface Scratch {
  readonly weights: Float64Array;
}

/**
 * Draws one token by inverting the cumulative distribution in vocabulary order, with one number from `random`.
 * Everything is in double precision on the host, so the draw depends on nothing but the logits and the stream.
 * @param logits `[vocab]`
 * @param admissible only these ids may be drawn (ascending or not); undefined allows all.
 */
export function draw(
  logits: Float32Array,
  options: DrawOptions,
  random: Random,
  scratch: Scratch,
  admissible?: Iterable<number>,
): Drawn {
  const { temperature = 1, topP = 1, topK = 0 } = options;
  const greedy = temperature === 0;
  const inverse = greedy ? 1 : 1 / temperature;
  const { weights } = scratch;
  const { top, sum, moment } = exponentials(logits, inverse, weights);
  const logSum = Math.log(sum);
  const result = (id: number, drawnLogProb?: number): Drawn => {
    const logProb = (logits[id]! - top) * inverse - logSum;
    return { id, logProb, drawnLogProb: drawnLogProb ?? logProb, entropy: logSum - moment / sum };
  };

  if (!admissible && !greedy && topP >= 1 && (topK === 0 || topK >= logits.length)) {
    return result(invert(weights, logits.length, random.next() * sum));
  }
  let ids = admissible ? [...admissible].sort((a, b) => a - b) : Array.from(logits.keys());
  if (greedy) {
    // Ties go to the lowest id, as in PyTorch.
    const id = ids.reduce((best, i) => (logits[i]! > logits[best]! ? i : best));
    return result(id, 0);
  }
  if (admissible) lift(logits, ids, inverse, weights);
  if (topP < 1 || (topK > 0 && topK < ids.length)) ids = truncate(ids, weights, topP, topK);
  let kept = 0;
  for (const id of ids) kept += weights[id]!;
  let left = random.next() * kept;
  const id = ids.find((i) => (left -= weights[i]!) < 0) ?? ids.at(-1)!;
  return result(id, Math.log(weights[id]! / kept));
}

/** Admissible tokens can all be so unlikely that their weights vanish: measure them from the best one among them. */
function lift(logits: Float32Array, ids: readonly number[], inverse: number, weights: Float64Array): void {
  const top = ids.reduce((best, i) => Math.max(best, logits[i]!), -Infinity);
  for (const i of ids) weights[i] = exp((logits[i]! - top) * inverse);
}

/** Top-k first, then top-p over what is left (the order of Hugging Face's processors); ascending ids. */
function truncate(ids: readonly number[], weights: Float64Array, topP: number, topK: number): number[] {
  // Equal weights keep the order of their ids, so that the cut is the same everywhere.
  let ranked = [...ids].sort((a, b) => weights[b]! - weights[a]! || a - b);
  if (topK > 0) ranked = ranked.slice(0, topK);
  if (topP < 1) {
    const total = ranked.reduce((sum, i) => sum + weights[i]!, 0);
    let mass = 0;
    let keep = 0;
    while (keep < ranked.length && mass < topP * total) mass += weights[ranked[keep++]!]!;
    ranked = ranked.slice(0, Math.max(1, keep));
  }
  return ranked.sort((a, b) => a - b);
}

/** The first index at which the running sum passes `target`; the last one with any weight when rounding leaves some. */
function invert(weights: Float64Array, length: number, target: number): number {
  let left = target;
  for (let i = 0; i < length; i++) {
    left -= weights[i]!;
    if (left < 0) return i;
  }
  let last = length - 1;
  while (last > 0 && weights[last] === 0) last--;
  return last;
}
