/** Packed bundles through the transformer: forward for their scores, and backward for the gradient of a loss over them. */
import * as tf from "@tensorflow/tfjs";
import {
  anglesAt,
  type AttentionBlock,
  decoderLayer,
  type Dropout,
  finalNorm,
  headOf,
  type Model,
  type Stream,
  StreamAttention,
} from "../model/index.js";
import { evaluateLoss, type Loss, type LossValue, type TokenScores } from "../objective/index.js";
import { embed, Tape, tokenLogProbs } from "../tensor/index.js";
import {
  type Bundle,
  flattened,
  pack,
  type Packed,
  type PackedBundle,
  unpacked,
  withStates,
} from "./pack.js";
import { type GradientOptions, type GradientResult, NotFinite, type ScoreOptions } from "./scores.js";

/** A trained tensor, and its place in the trained vector. */
export interface Place {
  readonly tensor: tf.Tensor;
  readonly offset: number;
  readonly size: number;
}

/** The weights that a pass goes through, and the way of its gradients into the trained vector. */
export interface Weights {
  /** The model with its adapter on or off. */
  model(adapter: "on" | "off", dropout?: Dropout): Model;
  /** Rows of the input embedding, `[ids, d]`. */
  embedded(ids: Int32Array): tf.Tensor2D;
  /** The probability with which the adapter drops its inputs. */
  readonly dropout: number;
  /** Whether the output's matrix is trained. */
  trainsHead(): boolean;
  /** Trained tensors used by layers `from` up to `to`; the final norm and the output belong to the last layer. */
  trainedIn(from: number, to: number): Place[];
  /** Writes gradients of tensors to their places in the vector and frees them. */
  read(
    gradients: readonly (tf.Tensor | undefined)[],
    places: readonly Place[],
    vector: Float32Array,
  ): Promise<void>[];
  /** Adds the gradient of the stream's inputs to the table of embeddings, and frees it. */
  addEmbedding(dx: tf.Tensor | undefined, ids: Int32Array, vector: Float32Array): Promise<void>;
}

/** Log-probabilities and entropies of every scored token, completion after completion. */
export async function scoreBundles(
  weights: Weights,
  bundles: readonly Bundle[],
  options: ScoreOptions,
): Promise<TokenScores[]> {
  const packed = pack(bundles);
  const model = weights.model(options.adapter ?? "on");
  const { logProbs, entropy, ...more } = tf.tidy(() => {
    const streams = new Streams(model, packed);
    let x: tf.Tensor = weights.embedded(packed.ids);
    for (let layer = 0; layer < model.config.layers; layer++) {
      const next = tf.tidy(() => decoderLayer(model, layer, x, streams.of(layer)));
      x.dispose();
      x = next;
    }
    const hidden: { hidden?: tf.Tensor } = options.states ? { hidden: finalNorm(model, x) } : {}; // [Q, d]
    return { ...scored(model, packed, x, options.temperature), ...hidden };
  });
  const scores = unpacked(packed, await logProbs.data(), await entropy.data());
  const states = more.hidden && ((await more.hidden.data()) as Float32Array);
  tf.dispose([logProbs, entropy, more.hidden]);
  return states ? withStates(scores, packed, states, model.config.hiddenSize) : scores;
}

/**
 * Writes the gradient of a loss over one micro-batch into `gradient`.
 * @param loss has a row for each completion, bundle after bundle
 * @param gradient like the host's trained vector
 * @throws NotFinite when the loss is not finite; OutOfMemory when there is no room, with nothing kept
 */
export async function differentiate(
  weights: Weights,
  bundles: readonly Bundle[],
  loss: Loss,
  gradient: Float32Array,
  options: GradientOptions,
): Promise<GradientResult> {
  const packed = pack(bundles);
  const model = weights.model("on", dropoutOf(packed, weights.dropout, options));
  const { layers } = model.config;
  const streams = new Streams(model, packed); // kept until the backward pass is done
  // inputs[s] enters stage s; every stage but the last is run without a tape now and recorded when its turn comes.
  const stages = options.checkpoint === "layer" ? layers : 1;
  const each = layers / stages;
  const run = (stage: number, input: tf.Tensor): tf.Tensor => {
    let x = input;
    for (let layer = stage * each; layer < (stage + 1) * each; layer++)
      x = decoderLayer(model, layer, x, streams.of(layer));
    return x;
  };
  const inputs: tf.Tensor[] = [];
  // Everything that is held between steps, so that it is freed also when one of them finds no room.
  const held: { tape?: Tape; outputs: tf.Tensor[] } = { outputs: [] };
  try {
    inputs.push(weights.embedded(packed.ids));
    for (let stage = 0; stage < stages - 1; stage++) inputs.push(tf.tidy(() => run(stage, inputs[stage]!)));
    const trainHead = weights.trainsHead();
    const last = Tape.record(() =>
      scored(model, packed, run(stages - 1, inputs[stages - 1]!), options.temperature, trainHead),
    );
    held.tape = last.tape;
    const { logProbs, entropy } = last.result;
    held.outputs = [logProbs, entropy];
    const scores = unpacked(packed, await logProbs.data(), await entropy.data());
    const from = performance.now();
    const value = evaluateLoss(loss, scores);
    const result = { scores, loss: value.loss, sums: value.sums, lossTime: performance.now() - from };
    if (!Number.isFinite(value.loss)) throw new NotFinite(`The loss is ${value.loss}.`);
    if (isZero(value)) {
      // The derivative by every score is zero (as for a group of equal returns), so the gradient is zero: no backward pass.
      gradient.fill(0);
      return result;
    }
    const dLogProbs = tf.tensor1d(flattened(packed, value.logProbGradients));
    held.outputs.push(dLogProbs);
    let heads: [tf.Tensor, tf.Tensor][] = [[logProbs, dLogProbs]];
    if (value.entropyGradients) {
      const dEntropy = tf.tensor1d(flattened(packed, value.entropyGradients));
      held.outputs.push(dEntropy);
      heads.push([entropy, dEntropy]);
    }
    const reads: Promise<void>[] = [];
    for (let stage = stages - 1; stage >= 0; stage--) {
      const input = inputs.pop()!;
      held.outputs.push(input);
      const trained = weights.trainedIn(stage * each, (stage + 1) * each);
      const [dx, ...gradients] = held.tape.backward(heads, [input, ...trained.map(({ tensor }) => tensor)]);
      if (dx) held.outputs.push(dx);
      for (const [output, dy] of heads) tf.dispose([output, dy]);
      // Read while the earlier layers are computed: on a GPU a read waits for everything before it.
      reads.push(...weights.read(gradients, trained, gradient));
      if (stage === 0) {
        await Promise.all(reads);
        await weights.addEmbedding(dx, packed.ids, gradient);
        break;
      }
      const before = Tape.record(() => run(stage - 1, inputs[stage - 1]!));
      input.dispose();
      held.tape = before.tape;
      held.outputs.push(before.result);
      heads = [[before.result, dx!]];
    }
    return result;
  } finally {
    held.tape?.dispose();
    tf.dispose([...held.outputs, ...inputs]);
    streams.dispose();
  }
}

/** Whether the loss has no derivative by any score. */
function isZero({ logProbGradients, entropyGradients }: LossValue): boolean {
  return [...logProbGradients, ...(entropyGradients ?? [])].every((row) => row.every((v) => v === 0));
}

/** The dropout of the adapter in this pass; undefined where nothing is dropped. */
function dropoutOf(packed: Packed, probability: number, { dropout }: GradientOptions): Dropout | undefined {
  if (!dropout || probability === 0) return undefined;
  const { names, firstBundle } = dropout;
  const rows = packed.bundles.map((bundle, b) => ({ ...bundle, name: firstBundle + b }));
  return { probability, names, rows };
}

/** Inputs common to all layers: rotary tables and attention over the whole stream, and those of the last layer. */
class Streams {
  private readonly every: Stream;
  private readonly last: Stream;

  constructor(
    private readonly model: Model,
    packed: Packed,
  ) {
    const angles = anglesAt(model.config, packed.positions);
    const attention = (queries: "all" | "scored"): StreamAttention =>
      new StreamAttention(
        packed.bundles.map((bundle) =>
          blockOf(bundle, queries === "scored" ? queriesOf(packed, bundle) : undefined),
        ),
        packed.ids.length,
      );
    this.every = { angles, attention: attention("all") };
    const { queries } = packed;
    this.last = {
      angles,
      attention: attention("scored"),
      queries: {
        rows: queries,
        angles: anglesAt(
          model.config,
          queries.map((i) => packed.positions[i]!),
        ),
      },
    };
  }

  of(layer: number): Stream {
    return layer === this.model.config.layers - 1 ? this.last : this.every;
  }

  dispose(): void {
    tf.dispose(this.all());
  }

  private all(): tf.Tensor[] {
    return [this.every.angles, this.last.queries!.angles].flatMap(({ cos, sin }) => [cos, sin]);
  }
}

/** The bundle's tokens that are scored from, counted within the bundle. */
function queriesOf({ queries }: Packed, { start, queryStart, queryLength }: PackedBundle): Int32Array {
  return queries.subarray(queryStart, queryStart + queryLength).map((at) => at - start);
}

/**
 * A packed bundle's attention: the prompt is causal, a completion sees the prompt and itself up to now.
 * @param scored the tokens to attend from; all when absent
 */
function blockOf(bundle: PackedBundle, scored?: Int32Array): AttentionBlock {
  const { start, length, prompt, segments } = bundle;
  const queries = scored?.length ?? length;
  const ranges = new Int32Array(queries * 4);
  let segmentStart = prompt;
  let next = 0;
  for (let i = 0; i < length; i++) {
    if (i > prompt && segments[i] !== segments[i - 1]) segmentStart = i;
    if (scored && scored[next] !== i) continue;
    ranges.set(i < prompt ? [0, i + 1, i + 1, i + 1] : [0, prompt, segmentStart, i + 1], 4 * next++);
  }
  const queryStart = scored ? bundle.queryStart : start;
  return { queryStart, queries, keyStart: start, keys: length, ranges, rangesPerQuery: 2 };
}

/** From the last layer's output at the scored-from tokens `[Q, d]` to each target's log-probability and entropy `[M]`. */
function scored(
  model: Model,
  packed: Packed,
  x: tf.Tensor,
  temperature = 1,
  trainHead = false,
): { logProbs: tf.Tensor1D; entropy: tf.Tensor1D } {
  const hidden = embed(packed.sources, finalNorm(model, x));
  return tokenLogProbs(hidden, headOf(model), packed.targets, { temperature, trainHead });
}
