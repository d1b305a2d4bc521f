import * as tf from "@tensorflow/tfjs";
import { webgpuRuntime } from "../backends/webgpu/runtime.js";
import { defineOp, type OpImplementation } from "./define.js";
import { checkIds, oneHot } from "./embed.js";
import { gpuScore } from "./token-log-probs-gpu.js";
import { chunksOf, fusedScore, type ScoreAttrs } from "./token-log-probs-fused.js";

/** Options of {@link tokenLogProbs}. */
export interface TokenLogProbOptions {
  /** Divides the logits; the distribution is the one that was sampled from. Default 1. */
  readonly temperature?: number;
  /** Rows whose logits are held at a time. Default: as many as make about a million logits (on `webgpu` 34 million), at least 16. */
  readonly chunk?: number;
  /** Say false when the head is frozen, and its gradient is not computed beside the other. Default true. */
  readonly trainHead?: boolean;
}

/** The log-probability and entropy of each row. */
export interface TokenLogProbs {
  /** `[n]`: log-probability of each row's target, nats. */
  readonly logProbs: tf.Tensor1D;
  /** `[n]`: entropy of each row's distribution, nats. */
  readonly entropy: tf.Tensor1D;
}

const LOGITS_AT_A_TIME = 1 << 20;
/** On a GPU the whole head is read once for each chunk, and memory is larger. */
const LOGITS_ON_CARD = 1 << 25;

/**
 * Log-probabilities of targets under `softmax(hidden · headᵀ / temperature)`, and that distribution's entropy. The logits
 * of at most `chunk` rows exist at a time; the backward pass computes them again.
 * The gradient with respect to a row's logits `z` is `(1[target] − p) / T` for the log-probability and
 * `−p (log p + H) / T` for the entropy.
 * @param hidden `[n, d]`: final, normalised hidden states of the rows to score
 * @param head `[vocab, d]`: output embedding
 * @param targets n token ids
 */
export function tokenLogProbs(
  hidden: tf.Tensor,
  head: tf.Tensor,
  targets: Int32Array,
  options: TokenLogProbOptions = {},
): TokenLogProbs {
  const vocab = head.shape[0]!;
  checkIds(targets, vocab);
  if (hidden.shape[0] !== targets.length) {
    throw new RangeError(`There are ${hidden.shape[0]} rows to score but ${targets.length} targets.`);
  }
  const atATime = webgpuRuntime() === undefined ? LOGITS_AT_A_TIME : LOGITS_ON_CARD;
  const attrs: ScoreAttrs = {
    targets,
    temperature: options.temperature ?? 1,
    chunk: options.chunk ?? Math.max(16, Math.floor(atATime / vocab)),
    trainHead: options.trainHead ?? true,
  };
  const [logProbs, entropy, kept] = scoreOp([hidden, head], attrs) as [tf.Tensor1D, tf.Tensor1D, tf.Tensor];
  kept.dispose(); // the tape holds its own reference
  return { logProbs, entropy };
}

const composedScore: OpImplementation<ScoreAttrs, undefined> = {
  forward: ([hidden, head], attrs) => {
    const parts = chunksOf(attrs).map(([start, size]) =>
      tf.tidy(() => {
        const { logP, hot } = distribution(hidden!, head!, attrs, start, size);
        return [tf.sum(tf.mul(logP, hot), 1), tf.neg(tf.sum(tf.mul(tf.exp(logP), logP), 1))];
      }),
    );
    return [tf.concat(parts.map((p) => p[0]!)), tf.concat(parts.map((p) => p[1]!)), tf.zeros([1])];
  },
  backward: ([dLogProb, dEntropy], [hidden, head], attrs) => {
    const dLogits = (start: number, size: number): tf.Tensor =>
      tf.tidy(() => {
        const { logP, hot } = distribution(hidden!, head!, attrs, start, size);
        const p = tf.exp(logP);
        const entropy = tf.neg(tf.sum(tf.mul(p, logP), 1, true));
        const dl = tf.reshape(tf.slice(dLogProb!, [start], [size]), [size, 1]);
        const de = tf.reshape(tf.slice(dEntropy!, [start], [size]), [size, 1]);
        const fromLogProb = tf.mul(tf.sub(hot, p), dl);
        const fromEntropy = tf.mul(tf.mul(p, tf.add(logP, entropy)), de);
        return tf.div(tf.sub(fromLogProb, fromEntropy), attrs.temperature);
      });
    return [
      () =>
        tf.tidy(() =>
          tf.concat(
            chunksOf(attrs).map(([start, size]) => tf.tidy(() => tf.matMul(dLogits(start, size), head!))),
          ),
        ),
      () => {
        let sum: tf.Tensor | undefined;
        for (const [start, size] of chunksOf(attrs)) {
          const next = tf.tidy(() => {
            const part = tf.matMul(dLogits(start, size), rowsOf(hidden!, start, size), true, false);
            return sum === undefined ? part : tf.add(sum, part);
          });
          sum?.dispose();
          sum = next;
        }
        return sum ?? tf.zerosLike(head!);
      },
    ];
  },
};

const scoreOp = defineOp<ScoreAttrs>({
  name: "AisleTokenLogProbs",
  saveInputs: [0, 1],
  saveOutputs: [false, false, true],
  fused: fusedScore,
  gpu: gpuScore,
  composed: composedScore,
});

function rowsOf(x: tf.Tensor, start: number, size: number): tf.Tensor {
  return start === 0 && size === x.shape[0] ? tf.clone(x) : tf.slice(x, [start, 0], [size, x.shape[1]!]);
}

/** Log-probabilities and one-hot targets of a chunk, both `[size, vocab]`. */
function distribution(
  hidden: tf.Tensor,
  head: tf.Tensor,
  { targets, temperature }: ScoreAttrs,
  start: number,
  size: number,
): { logP: tf.Tensor; hot: tf.Tensor } {
  const logits = tf.div(tf.matMul(rowsOf(hidden, start, size), head, false, true), temperature);
  const shifted = tf.sub(logits, tf.max(logits, 1, true));
  const logP = tf.sub(shifted, tf.log(tf.sum(tf.exp(shifted), 1, true)));
  return { logP, hot: oneHot(targets.subarray(start, start + size), head.shape[0]!) };
}
